/* Two GPUs as a driver's library tells them; -DNO_DRIVER: none is loaded, -DLOST: the second has fallen off the bus. */
#include <string.h>

typedef struct { int index; } gpu;
static gpu gpus[2] = {{0}, {1}};

int nvmlInit_v2(void) {
#ifdef NO_DRIVER
    return 9;
#else
    return 0;
#endif
}
int nvmlShutdown(void) { return 0; }
static int text(char *to, unsigned length, const char *from) {
    if (strlen(from) + 1 > length) return 7;
    strcpy(to, from);
    return 0;
}
static int number(unsigned *to, unsigned value) { *to = value; return 0; }

int nvmlSystemGetDriverVersion(char *to, unsigned length) { return text(to, length, "580.95.05"); }
int nvmlSystemGetNVMLVersion(char *to, unsigned length) { return text(to, length, "13.580.95.05"); }
int nvmlSystemGetCudaDriverVersion_v2(int *to) { *to = 13000; return 0; }
int nvmlDeviceGetCount_v2(unsigned *to) { return number(to, 2); }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, gpu **to) {
#ifdef LOST
    if (i == 1) return 15;
#endif
    *to = &gpus[i];
    return 0;
}
int nvmlDeviceGetHandleByUUID(const char *uuid, gpu **to) {
    if (strncmp(uuid, "MIG-", 4)) return 6;
    *to = &gpus[0];
    return 0;
}
int nvmlDeviceGetName(gpu *g, char *to, unsigned length) { return text(to, length, "NVIDIA L4"); }
int nvmlDeviceGetUUID(gpu *g, char *to, unsigned length) { return text(to, length, g->index ? "GPU-b" : "GPU-a"); }
int nvmlDeviceGetMemoryInfo(gpu *g, unsigned long long *to) {
    to[0] = 23034ULL << 20;
    to[1] = 22568ULL << 20;
    to[2] = 466ULL << 20;
    return 0;
}
int nvmlDeviceGetUtilizationRates(gpu *g, unsigned *to) { to[0] = 37; to[1] = 12; return 0; }
int nvmlDeviceGetTemperature(gpu *g, int sensor, unsigned *to) { return sensor == 0 ? number(to, 61) : 2; }
int nvmlDeviceGetPowerUsage(gpu *g, unsigned *to) { return g->index ? 3 : number(to, 71500); }
int nvmlDeviceGetEnforcedPowerLimit(gpu *g, unsigned *to) { return number(to, 72000); }
int nvmlDeviceGetClockInfo(gpu *g, int type, unsigned *to) { return number(to, type == 1 ? 1230 : 6251); }
int nvmlDeviceGetMaxClockInfo(gpu *g, int type, unsigned *to) { return number(to, type == 1 ? 2040 : 6251); }
int nvmlDeviceGetCurrentClocksThrottleReasons(gpu *g, unsigned long long *to) { *to = 0x24; return 0; }
int nvmlDeviceGetCurrPcieLinkGeneration(gpu *g, unsigned *to) { return number(to, 1); }
int nvmlDeviceGetCurrPcieLinkWidth(gpu *g, unsigned *to) { return number(to, 8); }
int nvmlDeviceGetMaxPcieLinkGeneration(gpu *g, unsigned *to) { return number(to, 4); }
int nvmlDeviceGetMaxPcieLinkWidth(gpu *g, unsigned *to) { return number(to, 16); }
int nvmlDeviceGetCudaComputeCapability(gpu *g, int *major, int *minor) { *major = 8; *minor = 9; return 0; }
int nvmlDeviceGetNvLinkState(gpu *g, unsigned link, unsigned *to) { return 3; }
int nvmlDeviceGetTopologyCommonAncestor(gpu *a, gpu *b, unsigned *to) { return number(to, 30); }
int nvmlDeviceGetP2PStatus(gpu *a, gpu *b, int what, unsigned *to) { return number(to, what == 2 ? 5 : 1); }

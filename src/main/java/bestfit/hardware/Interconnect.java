package bestfit.hardware;

/**
 * How the GPUs of one server reach each other, and their host.
 *
 * @param bytesPerSecond one direction of one GPU
 * @param peerToPeer false where data goes through the host's memory
 * @param hostBytesPerSecond from the host's memory to one GPU, which no other shares; what the link's data sheet says
 */
public record Interconnect(Kind kind, double bytesPerSecond, boolean peerToPeer, double hostBytesPerSecond) {
    /** Families; a PCIe generation doubles the one before. */
    public enum Kind {
        NVLINK,
        PCIE3,
        PCIE4,
        PCIE5
    }

    /** PCIe of so many lanes: 16, 32 and 64 GB/s at sixteen of them. */
    public static Interconnect pcie(Kind kind, int lanes, boolean peerToPeer) {
        double speed = usualSpeed(kind) * lanes / 16;
        return new Interconnect(kind, speed, peerToPeer, speed);
    }

    /** One direction of one GPU, where nothing else is told. */
    static double usualSpeed(Kind kind) {
        return switch (kind) {
            case NVLINK -> 300e9;
            case PCIE3 -> 16e9;
            case PCIE4 -> 32e9;
            case PCIE5 -> 64e9;
        };
    }

    public boolean nvlink() {
        return kind == Kind.NVLINK;
    }
}

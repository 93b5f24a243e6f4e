package bestfit.hardware;

/**
 * How the GPUs of one server reach each other.
 *
 * @param bytesPerSecond one direction of one GPU
 * @param peerToPeer false where data goes through the host's memory
 */
public record Interconnect(Kind kind, double bytesPerSecond, boolean peerToPeer) {
    /** Families; a PCIe generation doubles the one before. */
    public enum Kind {
        NVLINK,
        PCIE3,
        PCIE4,
        PCIE5
    }

    /** PCIe of so many lanes: 16, 32 and 64 GB/s at sixteen of them. */
    public static Interconnect pcie(Kind kind, int lanes, boolean peerToPeer) {
        return new Interconnect(kind, usualSpeed(kind) * lanes / 16, peerToPeer);
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

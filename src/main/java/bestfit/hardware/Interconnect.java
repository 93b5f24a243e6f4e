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

    public boolean nvlink() {
        return kind == Kind.NVLINK;
    }
}

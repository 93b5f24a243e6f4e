package bestfit.hardware;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A spelling of a GPU's name taken apart.
 *
 * @param base what is left when vendor, form, memory and words without meaning are gone, such as {@code rtx4090}
 * @param form {@code sxm}, {@code pcie} or {@code nvl}; empty if not told
 * @param gigabytes of memory; 0 if not told
 * @param words of the base, as they were written apart
 */
record GpuName(String base, String form, int gigabytes, List<String> words) {
    private static final Pattern MEMORY = Pattern.compile("(?<![a-z0-9])(\\d{1,3}) ?gi?b?(?![a-z0-9])");
    private static final Pattern FORM = Pattern.compile("(?<![a-z])(sxm|pcie|nvl)\\d*(?![a-z0-9])");

    /** Vendors, series and editions that change nothing that is known of a card. */
    private static final Pattern NOISE = Pattern.compile(
            "(?<![a-z])(nvidia|geforce|tesla|amd|instinct|intel|arc|quadro|hgx|dgx(?! ?spark)|generation|blackwell|server|workstation|max ?q"
                    + "|edition|tensor|core|gpus?|oam|vf|hbm\\d?e?|gddr\\dx?)(?![a-z])");

    /** By how much a memory's name may differ from what the driver reports. */
    private static final double NEAR = 0.12;

    static GpuName of(String text) {
        var left = text.toLowerCase(Locale.ROOT).replaceAll("\\(.*?\\)", " ").replaceAll("[_/-]", " ");
        var form = FORM.matcher(left);
        var shape = form.find() ? form.group(1) : "";
        left = form.replaceAll(" ");
        var memory = MEMORY.matcher(left);
        int gigabytes = memory.find() ? Integer.parseInt(memory.group(1)) : 0;
        left = NOISE.matcher(memory.replaceAll(" ")).replaceAll(" ");
        // A few names say the memory without its unit.
        var bare = Pattern.compile("^\\s*([ahv]\\d+|gh200)\\s+(\\d{2,3})\\s*$").matcher(left);
        if (gigabytes == 0 && bare.matches()) {
            gigabytes = Integer.parseInt(bare.group(2));
            left = bare.group(1);
        }
        var plain = left.strip().replace("super", "s").replaceAll("ti\\s+s\\b", "tis");
        return new GpuName(plain.replaceAll("\\s", ""), shape, gigabytes, List.of(plain.split("\\s+", -1)));
    }

    /** 0 for another card; the more the rest agrees, the more. */
    double likeness(GpuName known, long memoryBytes) {
        if (!base.equals(known.base)) {
            return 0;
        }
        return 10 + details(known, memoryBytes);
    }

    /** The same for a spelling that goes on where a known one ends, without another number: {@code RTX 4090 OC}. */
    double beginning(GpuName known, long memoryBytes) {
        var begun = new StringBuilder();
        boolean found = false;
        for (var word : words) {
            if (found && word.matches(".*\\d.*")) {
                return 0;
            }
            begun.append(word);
            found |= begun.toString().equals(known.base);
        }
        return found ? known.base.length() + details(known, memoryBytes) / 100 : 0;
    }

    private double details(GpuName known, long memoryBytes) {
        double gib = memoryBytes / (double) (1L << 30);
        double likeness = 0;
        if (!form.isEmpty() && !known.form.isEmpty()) {
            likeness += form.equals(known.form) ? 4 : -4;
        }
        if (gigabytes > 0) {
            boolean near = Math.abs(gib * 1.0737 / gigabytes - 1) < NEAR || Math.abs(gib / gigabytes - 1) < NEAR;
            likeness += near || gigabytes == known.gigabytes ? 2 : -2;
        }
        return likeness + (form.equals(known.form) ? 0.5 : 0) + (gigabytes == known.gigabytes ? 0.5 : 0);
    }
}

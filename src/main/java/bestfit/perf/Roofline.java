package bestfit.perf;

/**
 * Time of work that is bound by two things at once, memory and arithmetic. The corner is round: between the two both are busy.
 *
 * @param knee order of the power mean; H100 products of aiconfigurator's table reach 67 % of either bound where the two cross
 */
record Roofline(double knee) {
    double seconds(double memory, double arithmetic) {
        double longer = Math.max(memory, arithmetic);
        double shorter = Math.min(memory, arithmetic);
        return shorter < longer * 0.05 ? longer : longer * Math.pow(1 + Math.pow(shorter / longer, knee), 1 / knee);
    }
}

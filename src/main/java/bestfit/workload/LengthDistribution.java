package bestfit.workload;

import bestfit.config.ConfigException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.apache.commons.statistics.distribution.TruncatedNormalDistribution;

/** How long texts are, in tokens. Immutable; {@link #text} is what {@link #parse} reads. */
public sealed interface LengthDistribution {
    /** What {@link #parse} takes, for people. */
    String ALLOWED = "a whole number of tokens, uniform:LEAST,MOST, normal:MEAN,SD[,LEAST,MOST],"
            + " log-normal:MEDIAN,SIGMA[,LEAST,MOST], histogram:UP_TO=COUNT,… or file:FILE with one length a line";

    int MOST = 10_000_000;

    /** Laws without bounds end so many standard deviations above the middle: one length in three million is beyond. */
    double TAIL = 5;

    int draw(RandomGenerator random);

    /** No length is above it. */
    int most();

    double mean();

    String text();

    /** Always the same. */
    record Fixed(int tokens) implements LengthDistribution {
        @Override
        public int draw(RandomGenerator random) {
            return tokens;
        }

        @Override
        public int most() {
            return tokens;
        }

        @Override
        public double mean() {
            return tokens;
        }

        @Override
        public String text() {
            return Integer.toString(tokens);
        }
    }

    /** Every length from {@code least} to {@code most} alike. */
    record Uniform(int least, int most) implements LengthDistribution {
        @Override
        public int draw(RandomGenerator random) {
            return random.nextInt(least, most + 1);
        }

        @Override
        public double mean() {
            return (least + most) / 2.0;
        }

        @Override
        public String text() {
            return "uniform:" + least + "," + most;
        }
    }

    /** Normal with what lies outside of the bounds left out, rounded. */
    record Normal(double mu, double sigma, int least, int most) implements LengthDistribution {
        @Override
        public int draw(RandomGenerator random) {
            return (int) Math.round(law().inverseCumulativeProbability(random.nextDouble()));
        }

        @Override
        public double mean() {
            return law().getMean();
        }

        private TruncatedNormalDistribution law() {
            return TruncatedNormalDistribution.of(mu, sigma, least, most);
        }

        @Override
        public String text() {
            return "normal:" + plain(mu) + "," + plain(sigma) + "," + least + "," + most;
        }
    }

    /** The logarithm is normal, with what lies outside of the bounds left out, rounded. */
    record LogNormal(double median, double sigma, int least, int most) implements LengthDistribution {
        private static final int GRID = 1000;

        @Override
        public int draw(RandomGenerator random) {
            return at(random.nextDouble());
        }

        private int at(double share) {
            var law = TruncatedNormalDistribution.of(Math.log(median), sigma, Math.log(least), Math.log(most));
            return (int) Math.round(Math.exp(law.inverseCumulativeProbability(share)));
        }

        @Override
        public double mean() {
            return IntStream.range(0, GRID)
                    .mapToDouble(i -> at((i + 0.5) / GRID))
                    .average()
                    .orElseThrow();
        }

        @Override
        public String text() {
            return "log-normal:" + plain(median) + "," + plain(sigma) + "," + least + "," + most;
        }
    }

    /**
     * So many in each range, those of a range alike.
     *
     * @param upTo last length of each range, ascending; a range begins after the one before, the first at 1
     */
    record Histogram(List<Integer> upTo, List<Long> counts) implements LengthDistribution {
        public Histogram {
            upTo = List.copyOf(upTo);
            counts = List.copyOf(counts);
        }

        @Override
        public int draw(RandomGenerator random) {
            long left = random.nextLong(total());
            int range = 0;
            while (left >= counts.get(range)) {
                left -= counts.get(range++);
            }
            return random.nextInt(least(range), upTo.get(range) + 1);
        }

        private long total() {
            return counts.stream().mapToLong(Long::longValue).sum();
        }

        private int least(int range) {
            return range == 0 ? 1 : upTo.get(range - 1) + 1;
        }

        @Override
        public int most() {
            return upTo.get(IntStream.range(0, upTo.size())
                    .filter(i -> counts.get(i) > 0)
                    .max()
                    .orElseThrow());
        }

        @Override
        public double mean() {
            return IntStream.range(0, upTo.size())
                            .mapToDouble(i -> counts.get(i) * (least(i) + upTo.get(i)) / 2.0)
                            .sum()
                    / total();
        }

        @Override
        public String text() {
            return "histogram:"
                    + String.join(
                            ",",
                            IntStream.range(0, upTo.size())
                                    .mapToObj(i -> upTo.get(i) + "=" + counts.get(i))
                                    .toList());
        }
    }

    /** One of given lengths, each alike. */
    record OneOf(Path file, List<Integer> lengths) implements LengthDistribution {
        public OneOf {
            lengths = List.copyOf(lengths);
        }

        @Override
        public int draw(RandomGenerator random) {
            return lengths.get(random.nextInt(lengths.size()));
        }

        @Override
        public int most() {
            return lengths.stream().mapToInt(Integer::intValue).max().orElseThrow();
        }

        @Override
        public double mean() {
            return lengths.stream().mapToInt(Integer::intValue).average().orElseThrow();
        }

        @Override
        public String text() {
            return "file:" + file;
        }
    }

    /**
     * Reads a length as a workload and the command line have it.
     *
     * @throws ConfigException naming what is allowed
     */
    static LengthDistribution parse(String text) {
        int colon = text.indexOf(':');
        var parameters = text.substring(colon + 1).strip();
        try {
            return switch (colon < 0 ? "" : text.substring(0, colon).strip()) {
                case "" -> new Fixed(tokens(parameters));
                case "file" -> ofFile(Path.of(parameters));
                case "histogram" -> histogram(parameters);
                case "uniform" -> uniform(numbers(parameters, 2, 2));
                case "normal" -> {
                    var p = bounded(numbers(parameters, 2, 4), law -> law[0] + TAIL * law[1]);
                    yield new Normal(p[0], p[1], (int) p[2], (int) p[3]);
                }
                case "log-normal" -> {
                    var p = bounded(numbers(parameters, 2, 4), law -> law[0] * Math.exp(TAIL * law[1]));
                    yield new LogNormal(Math.max(1, p[0]), p[1], (int) p[2], (int) p[3]);
                }
                default -> throw new IllegalArgumentException();
            };
        } catch (ConfigException told) {
            throw told;
        } catch (IllegalArgumentException wrong) {
            throw new ConfigException("\"" + text + "\" is not allowed; it takes " + ALLOWED + ".");
        }
    }

    private static LengthDistribution ofFile(Path file) {
        var lengths = TextLines.of(file, "a file with one length a line").stream()
                .filter(line -> !line.isBlank())
                .map(line -> {
                    try {
                        return tokens(line);
                    } catch (IllegalArgumentException wrong) {
                        throw new ConfigException(
                                "file " + file + ": \"" + line + "\" is not a whole number of tokens from 1.");
                    }
                })
                .toList();
        return new OneOf(file, lengths);
    }

    private static Uniform uniform(double[] bounds) {
        check(bounds[0] >= 1 && bounds[1] >= bounds[0] && bounds[1] <= MOST);
        return new Uniform((int) bounds[0], (int) bounds[1]);
    }

    private static Histogram histogram(String text) {
        var ranges = Arrays.stream(text.split(",", -1))
                .map(range -> range.split("=", 2))
                .toList();
        check(ranges.stream().allMatch(range -> range.length == 2));
        var histogram = new Histogram(
                ranges.stream().map(range -> tokens(range[0])).toList(),
                ranges.stream().map(range -> Long.parseLong(range[1].strip())).toList());
        check(histogram.counts().stream().allMatch(count -> count >= 0) && histogram.total() > 0);
        check(IntStream.range(1, ranges.size())
                .allMatch(i -> histogram.upTo().get(i) > histogram.upTo().get(i - 1)));
        return histogram;
    }

    /** With the bounds where they are given, else from 1 to where the tail is cut. */
    private static double[] bounded(double[] given, ToDoubleFunction<double[]> tail) {
        var all = new double[] {given[0], given[1], 1, Math.min(MOST, Math.ceil(tail.applyAsDouble(given)))};
        System.arraycopy(given, 0, all, 0, given.length);
        check(all[0] > 0 && all[1] > 0 && all[2] >= 1 && all[3] >= all[2] && all[3] <= MOST);
        check(all[2] <= all[0] && all[0] <= all[3]);
        return all;
    }

    private static double[] numbers(String text, int least, int most) {
        var numbers = Arrays.stream(text.split(",", -1))
                .mapToDouble(part -> Double.parseDouble(part.strip()))
                .toArray();
        check((numbers.length == least || numbers.length == most)
                && Arrays.stream(numbers).allMatch(Double::isFinite));
        return numbers;
    }

    private static int tokens(String text) {
        int tokens = Integer.parseInt(text.strip());
        check(tokens >= 1 && tokens <= MOST);
        return tokens;
    }

    private static void check(boolean holds) {
        if (!holds) {
            throw new IllegalArgumentException();
        }
    }

    private static String plain(double number) {
        return number == Math.rint(number) ? Long.toString((long) number) : Double.toString(number);
    }
}

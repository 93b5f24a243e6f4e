package bestfit.report;

import static bestfit.metrics.Measurement.NEVER;

import bestfit.metrics.Measurement;
import java.util.List;

/** A run as one line a request; an empty cell is what did not happen. */
public final class RequestCsv {
    private static final String HEAD =
            "request,started_unix_s,queue_ms,send_lag_ms,first_response_ms,ttft_ms,last_token_ms,e2e_ms,input_tokens,output_tokens,events,failure\n";

    private RequestCsv() {}

    public static String of(List<Measurement> measurements) {
        var csv = new StringBuilder(HEAD);
        for (var m : measurements) {
            var failure = m.failure();
            csv.append(m.index()).append(',').append(m.startedAtEpochMicros() / 1e6);
            cell(csv, m.intendedNanos(), m.startNanos());
            cell(csv, m.startNanos(), m.sentNanos());
            cell(csv, m.startNanos(), m.firstContentNanos());
            cell(csv, m.startNanos(), m.firstTokenNanos());
            cell(csv, m.startNanos(), m.lastTokenNanos());
            cell(csv, m.startNanos(), m.endNanos());
            csv.append(',').append(m.inputTokens());
            csv.append(',').append(m.outputTokens());
            csv.append(',').append(m.chunks().count());
            csv.append(',').append(failure == null ? "" : '"' + failure.replace("\"", "\"\"") + '"');
            csv.append('\n');
        }
        return csv.toString();
    }

    private static void cell(StringBuilder csv, long from, long until) {
        csv.append(',');
        if (until != NEVER) {
            csv.append((until - from) / 1e6);
        }
    }
}

package bestfit.engine;

import bestfit.engine.StepExecutor.Row;
import bestfit.perf.Step;
import bestfit.perf.StepTimeModel;
import java.util.List;

/** Times a pass by the performance model. Stateless. */
final class ModelledTimer implements StepTimer {
    private static final double NANOS = 1e9;

    private final StepTimeModel model;

    ModelledTimer(StepTimeModel model) {
        this.model = model;
    }

    @Override
    public Times of(List<Row> rows) {
        double prefill = 0;
        double pairs = 0;
        double decodes = 0;
        double context = 0;
        for (var row : rows) {
            double tokens = row.tokens().length;
            if (row.start() >= row.promptLength() && row.tokens().length == 1) {
                decodes++;
                context += row.start() + 1;
            } else {
                prefill += tokens;
                pairs += tokens * row.start() + tokens * (tokens + 1) / 2;
            }
        }
        var time = model.of(new Step(prefill, pairs, decodes, context));
        return new Times(Math.round(time.seconds() * NANOS), Math.round(time.slowestStage() * NANOS));
    }
}

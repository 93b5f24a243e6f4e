package bestfit.openai;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What a field of a request may hold, by pydantic's lax rules: {@code "4"} is a whole number, {@code 1} is true. */
@FunctionalInterface
interface FieldType {
    void check(JsonNode value, String location, ShapeFaults faults);

    Set<String> YES = Set.of("1", "true", "t", "yes", "y", "on");
    Set<String> NO = Set.of("0", "false", "f", "no", "n", "off");

    FieldType ANY = (_, _, _) -> {};

    FieldType TEXT = (value, location, faults) -> {
        if (!value.isString()) {
            faults.add("string_type", location, "Input should be a valid string", value);
        }
    };

    FieldType WHOLE = (value, location, faults) -> {
        var message = "Input should be a valid integer";
        if (value.isNumber() && whole(value).isEmpty()) {
            faults.add("int_from_float", location, message + ", got a number with a fractional part", value);
        } else if (value.isString() && whole(value).isEmpty()) {
            faults.add("int_parsing", location, message + ", unable to parse string as an integer", value);
        } else if (whole(value).isEmpty()) {
            faults.add("int_type", location, message, value);
        }
    };

    FieldType NUMBER = (value, location, faults) -> {
        var message = "Input should be a valid number";
        if (value.isString() && number(value).isEmpty()) {
            faults.add("float_parsing", location, message + ", unable to parse string as a number", value);
        } else if (number(value).isEmpty()) {
            faults.add("float_type", location, message, value);
        }
    };

    FieldType FLAG = (value, location, faults) -> {
        var message = "Input should be a valid boolean";
        if ((value.isString() || value.isIntegralNumber()) && flag(value).isEmpty()) {
            faults.add("bool_parsing", location, message + ", unable to interpret input", value);
        } else if (flag(value).isEmpty()) {
            faults.add("bool_type", location, message, value);
        }
    };

    /** The value as a whole number, where it counts as one. */
    static Optional<BigInteger> whole(JsonNode value) {
        if (value.isBoolean()) {
            return Optional.of(value.booleanValue() ? BigInteger.ONE : BigInteger.ZERO);
        }
        if (value.isIntegralNumber()) {
            return Optional.of(value.bigIntegerValue());
        }
        if (value.isNumber()
                && Double.isFinite(value.doubleValue())
                && value.doubleValue() == Math.rint(value.doubleValue())) {
            return Optional.of(new BigDecimal(value.doubleValue()).toBigInteger());
        }
        var text = value.isString() ? value.stringValue().strip() : "";
        return text.matches("[+-]?\\d{1,4300}(\\.0*)?")
                ? Optional.of(new BigDecimal(text).toBigInteger())
                : Optional.empty();
    }

    /** The value as a number, where it counts as one. */
    static Optional<Double> number(JsonNode value) {
        if (value.isBoolean()) {
            return Optional.of(value.booleanValue() ? 1.0 : 0.0);
        }
        if (value.isNumber()) {
            return value.doubleValueOpt().stream().boxed().findFirst(); // none of a whole number that no double holds
        }
        var text = value.isString() ? value.stringValue().strip() : "";
        return text.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)([eE][+-]?\\d+)?")
                ? Optional.of(Double.parseDouble(text))
                : Optional.empty();
    }

    /** The value as true or false, where it counts as one. */
    static Optional<Boolean> flag(JsonNode value) {
        if (value.isBoolean()) {
            return Optional.of(value.booleanValue());
        }
        if (value.isNumber()) {
            double number = value.doubleValue(Double.NaN);
            return number == 0 || number == 1 ? Optional.of(number == 1) : Optional.empty();
        }
        var text = value.isString() ? value.stringValue().toLowerCase(Locale.ROOT) : "";
        return YES.contains(text) ? Optional.of(true) : NO.contains(text) ? Optional.of(false) : Optional.empty();
    }

    /** JSON null is one of its values. */
    default FieldType orNull() {
        return (value, location, faults) -> {
            if (!value.isNull()) {
                check(value, location, faults);
            }
        };
    }

    /** And what it holds then fits {@code more}. */
    default FieldType and(FieldType more) {
        return (value, location, faults) -> {
            var own = new ShapeFaults();
            check(value, location, own);
            if (own.isEmpty()) {
                more.check(value, location, faults);
            }
            faults.addAll(own);
        };
    }

    /** A text of at least one character. */
    static FieldType longerThanEmpty() {
        return TEXT.and((value, location, faults) -> {
            if (value.stringValue().isEmpty()) {
                faults.add(
                        "string_too_short",
                        location,
                        "String should have at least 1 character",
                        value,
                        "'min_length': 1");
            }
        });
    }

    /** A number with bounds. */
    static FieldType between(double least, double most) {
        return NUMBER.and((value, location, faults) -> {
            double number = number(value).orElse(least);
            boolean low = number < least;
            if (low || number > most) {
                double bound = low ? least : most;
                faults.add(
                        low ? "greater_than_equal" : "less_than_equal",
                        location,
                        "Input should be " + (low ? "greater" : "less") + " than or equal to "
                                + BigDecimal.valueOf(bound).stripTrailingZeros().toPlainString(),
                        value,
                        (low ? "'ge': " : "'le': ") + PythonText.number(bound));
            }
        });
    }

    /** A whole number with a lower bound. */
    static FieldType atLeast(BigInteger least) {
        return within(least, null);
    }

    /** A whole number of 64 bits with a lower bound. */
    static FieldType from(BigInteger least) {
        return within(least, BigInteger.valueOf(Long.MAX_VALUE));
    }

    /** A whole number of 64 bits. */
    static FieldType signed64() {
        return within(BigInteger.valueOf(Long.MIN_VALUE), BigInteger.valueOf(Long.MAX_VALUE));
    }

    private static FieldType within(BigInteger least, @Nullable BigInteger most) {
        return (value, location, faults) -> {
            var found = whole(value);
            if (found.isEmpty()) {
                WHOLE.check(value, location, faults);
            } else if (found.get().compareTo(least) < 0) {
                bound(faults, location, value, "greater_than_equal", "greater than or equal to ", "ge", least);
            } else if (most != null && found.get().compareTo(most) > 0) {
                bound(faults, location, value, "less_than_equal", "less than or equal to ", "le", most);
            }
        };
    }

    private static void bound(
            ShapeFaults faults,
            String location,
            JsonNode value,
            String kind,
            String words,
            String name,
            BigInteger bound) {
        faults.add(kind, location, "Input should be " + words + bound, value, "'" + name + "': " + bound);
    }

    static FieldType list(FieldType item) {
        return (value, location, faults) -> {
            if (!value.isArray()) {
                faults.add("list_type", location, "Input should be a valid list", value);
                return;
            }
            for (int i = 0; i < value.size(); i++) {
                item.check(value.get(i), location + "." + i, faults);
            }
        };
    }

    /** A list of so many items at most. */
    static FieldType list(FieldType item, int most) {
        var any = list(item);
        return (value, location, faults) -> {
            if (value.isArray() && value.size() > most) {
                faults.add(
                        "too_long",
                        location,
                        "List should have at most " + most + " items after validation, not " + value.size(),
                        value,
                        "'field_type': 'List', 'max_length': " + most + ", 'actual_length': " + value.size());
            } else {
                any.check(value, location, faults);
            }
        };
    }

    static FieldType dict(FieldType item) {
        return (value, location, faults) -> {
            if (value.isObject()) {
                value.properties().forEach(each -> item.check(each.getValue(), location + "." + each.getKey(), faults));
            } else {
                faults.add("dict_type", location, "Input should be a valid dictionary", value);
            }
        };
    }

    /** One of some texts. */
    static FieldType literal(String... allowed) {
        return (value, location, faults) -> {
            if (!value.isString() || !List.of(allowed).contains(value.stringValue())) {
                var names = Arrays.stream(allowed).map(PythonText::quoted).toList();
                var most = String.join(", ", names.subList(0, names.size() - 1));
                var words = most.isEmpty() ? names.getLast() : most + " or " + names.getLast();
                faults.add(
                        "literal_error",
                        location,
                        "Input should be " + words,
                        value,
                        "'expected': " + PythonText.quoted(words));
            }
        };
    }

    /** The first that fits; when none does, the faults of all. */
    static FieldType oneOf(FieldType... types) {
        return (value, location, faults) -> {
            var all = new ShapeFaults();
            for (var type : types) {
                var own = new ShapeFaults();
                type.check(value, location, own);
                if (own.isEmpty()) {
                    return;
                }
                all.addAll(own);
            }
            faults.addAll(all);
        };
    }

    /** A field of an object. */
    record Field(String name, FieldType type, boolean required) {
        static Field optional(String name, FieldType type) {
            return new Field(name, type, false);
        }

        static Field required(String name, FieldType type) {
            return new Field(name, type, true);
        }
    }

    /** An object that Python makes an instance of a dataclass from. */
    static FieldType dataclass(String name, List<Field> fields) {
        var fitting = object(true, fields);
        return (value, location, faults) -> {
            if (value.isObject()) {
                fitting.check(value, location, faults);
            } else {
                faults.add(
                        "dataclass_type",
                        location,
                        "Input should be a dictionary or an instance of " + name,
                        value,
                        "'class_name': '" + name + "'");
            }
        };
    }

    /** An object with such fields, whatever else it holds; {@code dictionary} is what pydantic calls it. */
    static FieldType object(boolean dictionary, List<Field> fields) {
        return (value, location, faults) -> {
            if (!value.isObject()) {
                faults.add(
                        dictionary ? "dict_type" : "model_attributes_type",
                        location,
                        "Input should be a valid dictionary" + (dictionary ? "" : " or object to extract fields from"),
                        value);
                return;
            }
            for (var field : fields) {
                var own = value.get(field.name);
                if (own != null) {
                    field.type.check(own, within(location, field.name), faults);
                } else if (field.required) {
                    faults.add("missing", within(location, field.name), "Field required", value);
                }
            }
        };
    }

    private static String within(String location, String name) {
        return location.isEmpty() ? name : location + "." + name;
    }
}

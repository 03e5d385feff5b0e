"""Losses, metrics and optimizers: each with the arguments that Keras and Horn share."""

# class in keras.losses, name in Horn, arguments, last activation, outputs, targets
LOSSES = [
    ("MeanSquaredError", "mean_squared_error", {}, "linear", 3, "real"),
    ("MeanAbsoluteError", "mean_absolute_error", {}, "linear", 3, "real"),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", {}, "linear", 3, "positive"),
    ("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", {}, "softplus", 3, "positive"),
    ("CosineSimilarity", "cosine_similarity", {}, "linear", 4, "real"),
    ("Huber", "huber", {"delta": 0.7}, "linear", 3, "real"),
    ("LogCosh", "log_cosh", {}, "linear", 3, "real"),
    ("Hinge", "hinge", {}, "linear", 3, "signs"),
    ("Hinge", "hinge", {}, "linear", 3, "bits"),
    ("SquaredHinge", "squared_hinge", {}, "linear", 3, "bits"),
    ("CategoricalHinge", "categorical_hinge", {}, "linear", 4, "one_hot"),
    ("KLDivergence", "kl_divergence", {}, "softmax", 4, "shares"),
    ("Poisson", "poisson", {}, "softplus", 3, "positive"),
    ("BinaryCrossentropy", "binary_crossentropy", {"label_smoothing": 0.2}, "sigmoid", 3, "bits"),
    ("BinaryCrossentropy", "binary_crossentropy", {"from_logits": True}, "linear", 3, "bits"),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", {}, "sigmoid", 3, "bits"),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy",
     {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "label_smoothing": 0.1}, "sigmoid", 3, "bits"),
    ("BinaryFocalCrossentropy", "binary_focal_crossentropy", {"from_logits": True}, "linear", 3, "bits"),
    ("CategoricalCrossentropy", "categorical_crossentropy", {"label_smoothing": 0.1}, "softmax", 4, "one_hot"),
    ("CategoricalCrossentropy", "categorical_crossentropy", {"from_logits": True}, "linear", 4, "one_hot"),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", {"alpha": 0.5, "gamma": 1.3}, "softmax", 4,
     "one_hot"),
    ("CategoricalFocalCrossentropy", "categorical_focal_crossentropy", {"from_logits": True, "label_smoothing": 0.1},
     "linear", 4, "one_hot"),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", {}, "softmax", 4, "classes"),
    ("SparseCategoricalCrossentropy", "sparse_categorical_crossentropy", {"ignore_class": 2}, "softmax", 4,
     "classes"),
    ("CategoricalGeneralizedCrossEntropy", "categorical_generalized_cross_entropy", {"q": 0.4}, "softmax", 4,
     "classes"),
    ("Dice", "dice", {}, "sigmoid", 3, "bits"),
    ("Tversky", "tversky", {"alpha": 0.3, "beta": 0.8}, "sigmoid", 3, "bits"),
    ("Circle", "circle", {}, "softmax", 4, "classes"),
    ("Circle", "circle", {"gamma": 2.0, "margin": 0.3, "remove_diagonal": False}, "linear", 4, "classes"),
]

# class in keras.metrics, name in Horn, arguments, last activation, outputs, targets
METRICS = [
    ("BinaryAccuracy", "binary_accuracy", {"threshold": 0.4}, "sigmoid", 3, "bits"),
    ("CategoricalAccuracy", "categorical_accuracy", {}, "softmax", 4, "one_hot"),
    ("TopKCategoricalAccuracy", "top_k_categorical_accuracy", {"k": 2}, "softmax", 5, "one_hot"),
    ("SparseCategoricalAccuracy", "sparse_categorical_accuracy", {}, "softmax", 5, "classes"),
    ("SparseTopKCategoricalAccuracy", "sparse_top_k_categorical_accuracy", {"k": 3}, "softmax", 5, "classes"),
    ("MeanSquaredError", "mean_squared_error", {}, "linear", 3, "real"),
    ("RootMeanSquaredError", "root_mean_squared_error", {}, "linear", 3, "real"),
    ("MeanAbsoluteError", "mean_absolute_error", {}, "linear", 3, "real"),
    ("MeanAbsolutePercentageError", "mean_absolute_percentage_error", {}, "linear", 3, "positive"),
    ("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", {}, "softplus", 3, "positive"),
    ("CosineSimilarity", "cosine_similarity", {}, "linear", 4, "real"),
    ("LogCoshError", "log_cosh_error", {}, "linear", 3, "real"),
    ("R2Score", "r2_score", {}, "linear", 3, "real"),
    ("R2Score", "r2_score", {"class_aggregation": "variance_weighted_average", "num_regressors": 2}, "linear", 3,
     "real"),
    ("PearsonCorrelation", "pearson_correlation", {}, "linear", 5, "real"),
    ("ConcordanceCorrelation", "concordance_correlation", {}, "linear", 5, "real"),
    ("Hinge", "hinge", {}, "linear", 3, "signs"),
    ("SquaredHinge", "squared_hinge", {}, "linear", 3, "signs"),
    ("CategoricalHinge", "categorical_hinge", {}, "linear", 4, "one_hot"),
    ("KLDivergence", "kl_divergence", {}, "softmax", 4, "shares"),
    ("Poisson", "poisson", {}, "softplus", 3, "positive"),
    ("TruePositives", "true_positives", {}, "sigmoid", 3, "bits"),
    ("TrueNegatives", "true_negatives", {"thresholds": 0.6}, "sigmoid", 3, "bits"),
    ("FalsePositives", "false_positives", {"thresholds": 0.3}, "sigmoid", 3, "bits"),
    ("FalseNegatives", "false_negatives", {}, "sigmoid", 3, "bits"),
    ("Precision", "precision", {}, "sigmoid", 3, "bits"),
    ("Precision", "precision", {"top_k": 2}, "softmax", 5, "one_hot"),
    ("Precision", "precision", {"thresholds": 0.2, "class_id": 1}, "softmax", 4, "one_hot"),
    ("Recall", "recall", {}, "sigmoid", 3, "bits"),
    ("Recall", "recall", {"top_k": 2}, "softmax", 5, "one_hot"),
    ("F1Score", "f1_score", {"average": "macro"}, "softmax", 4, "one_hot"),
    ("F1Score", "f1_score", {"average": "micro", "threshold": 0.4}, "sigmoid", 4, "bits"),
    ("FBetaScore", "f_beta_score", {"average": "weighted", "beta": 2.0, "threshold": 0.5}, "sigmoid", 4, "bits"),
    ("AUC", "auc", {}, "sigmoid", 2, "bits"),
    ("AUC", "auc", {"num_thresholds": 20, "curve": "PR"}, "sigmoid", 2, "bits"),
    ("AUC", "auc", {"num_thresholds": 11, "summation_method": "majoring", "from_logits": True}, "linear", 2, "bits"),
    ("AUC", "auc", {"curve": "PR", "summation_method": "minoring", "thresholds": [0.2, 0.5, 0.55]}, "sigmoid", 2,
     "bits"),
    ("SensitivityAtSpecificity", "sensitivity_at_specificity", {"specificity": 0.6}, "sigmoid", 2, "bits"),
    ("SpecificityAtSensitivity", "specificity_at_sensitivity", {"sensitivity": 0.5, "num_thresholds": 50}, "sigmoid",
     2, "bits"),
    ("PrecisionAtRecall", "precision_at_recall", {"recall": 0.5}, "sigmoid", 2, "bits"),
    ("RecallAtPrecision", "recall_at_precision", {"precision": 0.5}, "sigmoid", 2, "bits"),
    ("MeanIoU", "mean_io_u", {"num_classes": 4, "sparse_y_pred": False}, "softmax", 4, "classes"),
    ("IoU", "io_u", {"num_classes": 4, "target_class_ids": [0, 2], "sparse_y_pred": False, "ignore_class": 1},
     "softmax", 4, "classes"),
    ("OneHotIoU", "one_hot_io_u", {"num_classes": 4, "target_class_ids": [1, 3]}, "softmax", 4, "one_hot"),
    ("OneHotMeanIoU", "one_hot_mean_io_u", {"num_classes": 4}, "softmax", 4, "one_hot"),
    ("BinaryIoU", "binary_io_u", {"threshold": 0.45}, "sigmoid", 3, "bits"),
]

# name of the model, class in keras.optimizers, name in Horn, arguments
OPTIMIZERS = [
    ("adamw", "AdamW", "adamw", {"learning_rate": 0.02, "weight_decay": 0.05}),
    ("adamw_amsgrad", "AdamW", "adamw", {"learning_rate": 0.02, "beta_2": 0.9, "amsgrad": True}),
    ("adamax", "Adamax", "adamax", {"learning_rate": 0.03}),
    ("nadam", "Nadam", "nadam", {"learning_rate": 0.02}),
    ("adagrad", "Adagrad", "adagrad", {"learning_rate": 0.1}),
    ("adadelta", "Adadelta", "adadelta", {"learning_rate": 1.0, "epsilon": 0.001}),
    ("ftrl", "Ftrl", "ftrl", {"learning_rate": 0.2, "l1_regularization_strength": 0.01,
                              "l2_regularization_strength": 0.02, "l2_shrinkage_regularization_strength": 0.01,
                              "beta": 0.1}),
    ("ftrl_power", "Ftrl", "ftrl", {"learning_rate": 0.1, "learning_rate_power": -0.6}),
    ("lion", "Lion", "lion", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("lamb", "Lamb", "lamb", {"learning_rate": 0.03}),
    ("adafactor", "Adafactor", "adafactor", {"learning_rate": 0.05}),
    ("adafactor_slow", "Adafactor", "adafactor", {"learning_rate": 0.3, "relative_step": False,
                                                  "clip_threshold": 0.5}),
    ("muon", "Muon", "muon", {"learning_rate": 0.02}),
    ("muon_plain", "Muon", "muon", {"learning_rate": 0.02, "nesterov": False, "ns_steps": 3, "weight_decay": 0.1,
                                    "adam_lr_ratio": 0.5, "rms_rate": 0.5}),
    ("sgd_decay", "SGD", "sgd", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.01}),
    ("sgd_clipnorm", "SGD", "sgd", {"learning_rate": 0.2, "clipnorm": 0.1}),
    ("adam_clipvalue", "Adam", "adam", {"learning_rate": 0.02, "clipvalue": 0.05}),
    ("rmsprop_global", "RMSprop", "rmsprop", {"learning_rate": 0.01, "global_clipnorm": 0.2}),
    ("adam_accumulated", "Adam", "adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3,
                                          "clipnorm": 0.5, "weight_decay": 0.01}),
    ("nadam_accumulated", "Nadam", "nadam", {"learning_rate": 0.05, "gradient_accumulation_steps": 2}),
    ("sgd_average", "SGD", "sgd", {"learning_rate": 0.2, "use_ema": True, "ema_momentum": 0.8}),
    ("adam_average", "Adam", "adam", {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.7,
                                      "ema_overwrite_frequency": 4}),
    ("sgd_everything", "SGD", "sgd", {"learning_rate": 0.2, "momentum": 0.5, "nesterov": True, "use_ema": True,
                                      "ema_momentum": 0.9, "ema_overwrite_frequency": 3,
                                      "gradient_accumulation_steps": 2, "loss_scale_factor": 4.0}),
]


def horn_value(value):
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return "[" + ", ".join(map(horn_value, value)) + "]"
    return repr(value)


def call(name, arguments):
    return f"{name}({', '.join(f'{key} = {horn_value(value)}' for key, value in arguments.items())})"


FEATURES, ROWS = 6, 12
HIDDEN, OUTPUTS, STEPS = 5, 3, 20


def horn_value_of(horn, arguments):
    return call(horn, arguments) if arguments else horn


def horn_file():
    """`all_losses` and `all_metrics` hold all of them beside each other; each optimizer is a model."""
    parts = ["# Made by make_goldens.py: losses, metrics, optimizers. One model is picked by --model.\n"]
    for model, table in (("all_losses", LOSSES), ("all_metrics", METRICS)):
        body = [f"    y{i} = x |> dense({n}, {activation}, name = \"y{i}\")"
                for i, (_, _, _, activation, n, _) in enumerate(table)]
        outputs = ", ".join(f"y{i}" for i in range(len(table)))
        own = ",\n        ".join(f"y{i}: {horn_value_of(horn, arguments)}"
                                 for i, (_, horn, arguments, _, _, _) in enumerate(table))
        # a metric's target has the type that its output's loss gives it
        plain = ", ".join(f"y{i}: {'numbers' if target == 'classes' else 'nothing'}"
                          for i, (_, _, _, _, _, target) in enumerate(table))
        settings = f"    loss = {{ {own} }}\n" if model == "all_losses" else (
            f"    loss = {{ {plain} }}\n    metrics = {{ {own} }}\n")
        parts.append(f"model {model}(x: real[{FEATURES}]) -> ({outputs}) {{\n" + "\n".join(body) +
                     f"\n}}\n\ntrain {model} {{\n    optimizer = sgd(1.0)\n{settings}}}\n")
    parts.append("fn nothing(target, prediction) { return mean(0.0 * prediction, -1) }\n"
                 "fn numbers(target: i32[...], prediction: real[..., classes]) {\n"
                 "    return mean(0.0 * prediction, -1)\n}\n")
    for name, _, horn, arguments in OPTIMIZERS:
        parts.append(f"model steps_{name}(x: real[{FEATURES}]) -> y {{\n    y = x |> dense({HIDDEN}, tanh) |> "
                     f"dense({OUTPUTS}, name = \"dense_1\")\n}}\n\ntrain steps_{name} {{\n"
                     f"    optimizer = {call(horn, arguments)}\n    loss = mse\n}}\n")
    return "\n".join(parts)

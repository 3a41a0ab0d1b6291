"""Every fact that may be known of a run as a whole."""

from __future__ import annotations

from equipoise.history.entries import Fact

FACTS: dict[str, Fact] = {
    fact.name: fact
    for fact in (
        Fact(
            "score.orientation",
            "+1 if a higher score means real, -1 if lower does, 0 or absent if not yet known",
        ),
        Fact(
            "score.found", "whether the adversarial score was found in the discriminator's output for certain"
        ),
        Fact(
            "score.shape",
            "shape of one sample's score: [] for one number, [1, 14, 14] for patches; list of them",
        ),
        Fact("objective.declared", "the family the user named in watch(objective=...), or null"),
        Fact(
            "objective.family",
            "best-fitting family: non-saturating, minimax, least-squares, hinge, wasserstein,"
            " relativistic-average-hinge, relativistic-pairing, relativistic, ...; null if none fits",
        ),
        Fact("objective.discriminator", "family fitted to the discriminator's slopes alone"),
        Fact("objective.generator", "family fitted to the generator's slopes alone"),
        Fact(
            "objective.target.real",
            "real target estimated from the slope: 1 plain, 0.9 smoothed; null if none",
        ),
        Fact("objective.target.fake", "fake target estimated from the slope; null if the family has none"),
        Fact(
            "objective.target.generator",
            "target estimated from the generator's slope: near the real target if all is well; null if none",
        ),
        Fact(
            "objective.family.output",
            "family that fits the slopes dL/d(raw output), behind a final sigmoid or the like; null if none",
        ),
        *(
            Fact(
                f"objective.half_turned.{player}",
                f"family of the {player}'s loss, where one of its two relativistic terms has the other's target",
            )
            for player in ("generator", "discriminator")
        ),
        Fact("objective.double_sigmoid", "true if the slopes fit a sigmoid applied twice"),
        Fact("objective.flipped", "true if the loop's convention is real = low; harmless when consistent"),
        Fact("objective.clamped", "the epsilon of a clamp in the logarithm, or null"),
        Fact(
            "objective.composite",
            "share of |dL_G/dx| at the fakes that does not come through the discriminator, 0 to 1; null if unknown",
        ),
        Fact(
            "objective.composite.all",
            "share that its scores do not send back, over all calls of the generator in its step, judged or not",
        ),
        Fact("objective.bounded_scores", "true if all raw outputs were inside [0, 1]"),
        Fact("generator.layers", "list of leaf modules: {name, type, kernel, stride, parameters, ...}"),
        Fact("discriminator.layers", "the same for the discriminator"),
        Fact(
            "generator.output_activation",
            "tanh | sigmoid | relu | softplus | ... | null, from the last module used",
        ),
        Fact(
            "discriminator.output_activation",
            "sigmoid | tanh | softmax | ... | null, from the last module used",
        ),
        *(
            fact
            for player in ("generator", "discriminator")
            for fact in (
                Fact(
                    f"{player}.output_activations",
                    "activations at the output, one behind another, the last first",
                ),
                Fact(f"{player}.output_range", "[low, high] that they can give, null where it has no end"),
            )
        ),
        Fact(
            "generator.batch_norm_before_nonlinearity",
            "true if the latent itself goes through batch norm, no layer before",
        ),
        Fact("discriminator.batch_norm", "number of batch norm layers"),
        Fact("discriminator.instance_norm", "number of instance norm layers"),
        Fact("discriminator.spectral_norm", "share of the weight layers under spectral normalisation"),
        Fact(
            "discriminator.batch_layer",
            "true if a layer looks across the batch on purpose (stddev, minibatch, packing)",
        ),
        Fact("discriminator.conditional", "true if the discriminator is given a condition"),
        Fact(
            "generator.conditional",
            "true if the generator is given a condition (labels or an image) beside the latent",
        ),
        Fact(
            "generator.classes", "classes that the generator could be asked for: of its embedding, or one-hot"
        ),
        Fact("generator.classes.asked", "different classes in the recorded calls of its own steps"),
        Fact("generator.classes.samples", "samples in these calls"),
        Fact("generator.input", "latent | image | both: what the generator is given"),
        Fact(
            "generator.overlap",
            "transposed convolutions whose kernel is not a multiple of the stride: list of names",
        ),
        Fact(
            "generator.initialisation",
            "list of {name, type, std, expected_std, mean, weight_mean} at the time of watch",
        ),
        Fact("discriminator.initialisation", "the same for the discriminator"),
        Fact("generator.parameters", "number of trainable parameters"),
        Fact("discriminator.parameters", "number of trainable parameters"),
        Fact("shared.parameters", "parameters that both networks own"),
        *(
            Fact(
                f"{player}.unregistered",
                "{places, parameters}: weights that the output came from, in lists or dictionaries that"
                " `parameters()` does not see, and in no optimizer; null if none",
            )
            for player in ("generator", "discriminator")
        ),
        Fact(
            "optimizers",
            "list of {type, player (generator, discriminator, or both for one of both beside theirs), learning_rate,"
            " betas, epsilon, momentum, weight_decay, generator_share,"
            " discriminator_share, foreign, missing}; shares are of that network's parameters it holds",
        ),
        Fact(
            "modes",
            "{generator_training, discriminator_training}: share of watched forwards in train mode;"
            " {generator_layers, discriminator_layers}: layers that differ between the modes, by type",
        ),
        Fact("precision", "float32 | float16 | bfloat16 of the scores"),
        Fact(
            "generator.feature_matching",
            "true if a gradient of the discriminator's features alone, not of its score, reached the generator",
        ),
        Fact(
            "generator.gradient_reversed",
            "true if the gradient is turned round between discriminator and generator, so that both descend one loss",
        ),
        Fact(
            "generator.treated",
            "true if the generator's samples are changed, with a graph, on their way to the discriminator, as by"
            " augmentation; the reals may be too",
        ),
        Fact(
            "generator.judges_others",
            "true if the generator's loss scores only samples that are not the generator's",
        ),
        *(
            Fact(
                f"loss.unused.{player}",
                "how often the player's own loss was sent back without any step of it",
            )
            for player in ("generator", "discriminator")
        ),
        Fact(
            "discriminator.steps",
            "steps of its optimizer: [with a loss of its own since the last one, with the generator's alone], of"
            " those whose step before was looked at too",
        ),
        Fact(
            "loss.reaches_scores",
            "recorded steps of the discriminator in which its loss did, and did not, reach its scores (two counts)",
        ),
        Fact(
            "loss.uses_fakes",
            "recorded steps of the discriminator in which its scores of fakes did, and did not, enter its loss (two counts)",
        ),
        Fact(
            "discriminator.discrete", "true if the discriminator was given whole numbers only, such as tokens"
        ),
        Fact(
            "roles.pushed",
            "batches of unknown role in the discriminator's steps: [those pushed up, those pushed down]",
        ),
        Fact(
            "roles.divided",
            "of the discriminator's steps with fakes and no real, the share with scores of one call pushed both"
            " ways (at least 2 % each): a sample may be real in parts",
        ),
        Fact(
            "roles.places",
            "steps of the generator by how both players push the scores of its own places in samples that are"
            " real in parts: [opposite ways, the same way]",
        ),
        Fact("concatenated", "true if real and fake go through the discriminator in one batch"),
        Fact("detached", "true if the fakes of the discriminator's step carry no graph to the generator"),
        Fact("steps.ratio", "discriminator updates per generator update"),
        Fact(
            "weight.clipping",
            "bound that the discriminator's weights never exceed though they touch it, or null",
        ),
        Fact(
            "gradient.clipping",
            "bound that gradients never exceed though they touch it: {player, kind, bound}, or null",
        ),
        Fact(
            "shape.broadcast", "true if slopes show that scores and targets were broadcast against each other"
        ),
        Fact("data.real.dtype", "dtype of the real batches as given"),
        Fact("data.kind", "image | vector | sequence, from the shape of the samples"),
        Fact("data.shape", "shape of one sample"),
        Fact("data.batch", "number of real samples in one discriminator step"),
        Fact(
            "ema", "list of {decay or null, buffers_copied} for averaged copies that were seen; empty if none"
        ),
        Fact(
            "ema.untouched",
            "list of {calls, updates, moved}: copies that still have the generator's first weights after so many of"
            " its updates, with its relative distance from them, and how often they were seen called; where no"
            " copy follows",
        ),
        Fact("roles.decided", "share of the discriminator's forwards whose role was decided"),
        Fact("roles.tagged", "true if the user tagged batches by monitor.real or monitor.fake"),
        Fact("problems", "list of sentences: sensors that were switched off and why"),
        Fact(
            "generator.graph_cut",
            "true if the generator's step gave it no adversarial gradient at all though it ran",
        ),
        Fact("log.columns", "columns of a plain log that were understood: {signal: column}"),
        Fact("log.missing", "what a plain log does not hold"),
    )
}

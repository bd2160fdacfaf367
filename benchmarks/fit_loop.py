"""What a fit loop costs around the work: 280 steps of Adam on a tiny perceptron, by our loop and by others'.

Everybody trains the same PyTorch network on the same 1,797 images in batches of 64. The loops that do not hold the
data in memory get it through a DataLoader, as their manuals say; trainers are made anew for each 280 steps, as ours is.
"""

import contextlib
import io
import logging
import tempfile
import warnings

import numpy as np

STEPS, BATCH, ROWS = 280, 64, 1797


def data():
    import torch

    torch.set_num_threads(1)
    random = np.random.default_rng(0)
    x = torch.tensor(random.normal(size=(ROWS, 64)).astype(np.float32))
    return x, torch.tensor(random.integers(0, 10, size=ROWS))


def net():
    from torch import nn

    return nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))


def ours(size):
    """The loop of a recipe: shuffled batches, progress, a measurement an epoch, a look whether to save."""
    import torch

    from gradschool.kit.loop import Batches
    from gradschool.kit.runlog import RunLog

    x, labels = data()
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss_of = torch.nn.functional.cross_entropy

    def step():
        run = RunLog()
        batches = Batches(ROWS, BATCH, np.random.default_rng(0))
        with run.progress(STEPS) as progress:
            for done in progress:
                rows = torch.from_numpy(batches.next())
                loss = loss_of(model(x[rows]), labels[rows])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                if (done + 1) % batches.per_epoch == 0:
                    run.measure(done + 1, train_loss=loss.item())
                if run.due(done + 1):
                    run.save(done + 1, {})

    return step


def bare(size):
    """The shortest loop there is: slices of a shuffled index."""
    import torch

    x, labels = data()
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    loss_of = torch.nn.functional.cross_entropy

    def step():
        order, start = torch.randperm(ROWS), 0
        for _ in range(STEPS):
            if start >= ROWS:
                order, start = torch.randperm(ROWS), 0
            rows = order[start : start + BATCH]
            start += BATCH
            loss = loss_of(model(x[rows]), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return step


def lightning(size):
    """PyTorch Lightning with logging, checkpoints and bars switched off."""
    import lightning as pl
    import torch

    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    x, labels = data()
    model = net()

    class Module(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net = model

        def training_step(self, batch, number):
            return torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.Adam(self.parameters())

    module = Module()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, labels), batch_size=BATCH, shuffle=True)

    def step():
        trainer = pl.Trainer(
            max_steps=STEPS, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        )  # fmt: skip
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            trainer.fit(module, loader)

    return step


def trainer(size):
    """Hugging Face's Trainer with logging, checkpoints and reports switched off."""
    import torch
    from transformers import Trainer, TrainingArguments

    x, labels = data()

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = net()

        def forward(self, x, labels):
            scores = self.net(x)
            return {"loss": torch.nn.functional.cross_entropy(scores, labels), "logits": scores}

    model = Model()
    rows = [{"x": x[k], "labels": labels[k]} for k in range(ROWS)]
    folder = tempfile.mkdtemp()
    arguments = TrainingArguments(
        folder, max_steps=STEPS, per_device_train_batch_size=BATCH, logging_strategy="no", save_strategy="no",
        report_to=[], use_cpu=True, disable_tqdm=True,
    )  # fmt: skip

    def step():
        with contextlib.redirect_stdout(io.StringIO()):
            Trainer(model=model, args=arguments, train_dataset=rows).train()

    return step

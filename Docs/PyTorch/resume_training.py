"""What Examples/ResumeTraining does, in PyTorch: `python resume_training.py FOLDER STEPS`.

Kill it whenever you like and start it again: it goes on where it was, to the same bits. Ctrl-C ends it after the step
that runs.
"""

import math
import os
import signal
import sys
import tempfile

import torch
from torch import nn

folder, last_step = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
torch.manual_seed(1)
torch.set_num_threads(1)
encoder = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(0.2))
model = nn.Sequential(encoder, nn.Dropout(0.5), nn.Linear(16, 3))
for parameter in encoder.parameters():
    parameter.requires_grad = False


def rate(step):  # three steps of warm-up, then a cosine down to a tenth over 20
    if step < 3:
        return (step + 1) / 3
    return 0.1 + 0.9 * (1 + math.cos(math.pi * min(step - 3, 20) / 20)) / 2


optimizer = torch.optim.Adam(model[2].parameters(), lr=0.01)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
generator = torch.Generator().manual_seed(1)
x = torch.randn(40, 8, generator=generator)
y = torch.where(x[:, 0] > 0, 2, torch.where(x[:, 1] > 0, 1, 0))


def latest():
    steps = sorted((int(name[:-3]) for name in os.listdir(folder) if name[:-3].isdigit()), reverse=True)
    for step in steps:
        try:
            return torch.load(f"{folder}/{step}.pt")
        except Exception:  # cut off or damaged: the one before it
            continue


def save(step, epoch, batch):
    state = {
        "model": model.state_dict(), "optimizer": optimizer.state_dict(), "schedule": schedule.state_dict(),
        "random": torch.get_rng_state(), "step": step, "epoch": epoch, "batch": batch}
    # Written beside, brought to the disk, renamed: whole or not there.
    with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(file.name, f"{folder}/{step}.pt")
    for name in os.listdir(folder):  # keep two
        if name[:-3].isdigit() and int(name[:-3]) < step - 1:
            os.remove(f"{folder}/{name}")


step, epoch, done = 0, 0, 0
if saved := latest():
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    schedule.load_state_dict(saved["schedule"])
    torch.set_rng_state(saved["random"])
    step, epoch, done = saved["step"], saved["epoch"], saved["batch"]
print("from step", step, flush=True)

interrupted = False


def interrupt(*_):
    global interrupted
    interrupted = True
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a second one ends it at once


signal.signal(signal.SIGINT, interrupt)
while step < last_step and not interrupted:
    order = torch.randperm(40, generator=torch.Generator().manual_seed(epoch))
    batches = order.split(16)
    for batch in batches[done:]:
        model.train()
        encoder.eval()
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x[batch]), y[batch])
        if not loss.isfinite():
            raise SystemExit(f"the loss of step {step + 1} is {loss.item()}")
        loss.backward()
        optimizer.step()
        schedule.step()
        step, done = step + 1, done + 1
        save(step, epoch + done // len(batches), done % len(batches))
        print("step", step, "loss", loss.item(), flush=True)
        if step == last_step or interrupted:
            break
    epoch, done = epoch + done // len(batches), done % len(batches)
if interrupted:
    print("interrupted, saved at step", step)

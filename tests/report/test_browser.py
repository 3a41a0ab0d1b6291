"""The page in headless Chromium: it fits a phone, its script runs, and nothing is fetched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from equipoise.checks import judge
from equipoise.report import write_report

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))),
    None,
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

# The page is shown in a frame as wide as a phone, every part of it unfolded, and measured from outside.
PHONE = 390
FRAME = """<body style="margin:0">
<iframe id="f" src="report.html" style="width:%dpx;height:900px;border:0"></iframe>
<pre id="o"></pre><script>
document.getElementById("f").onload = () => {
  const view = document.getElementById("f").contentWindow, page = view.document;
  for (const part of page.querySelectorAll("details")) part.open = true;
  const chart = page.querySelector("svg[data-chart]");
  chart.dispatchEvent(new view.KeyboardEvent("keydown", {key: "Home"}));
  document.getElementById("o").textContent = JSON.stringify({
    wanted: page.documentElement.scrollWidth,
    given: page.documentElement.clientWidth,
    beyond: [...page.querySelectorAll("body *")].filter((e) => !e.closest("svg")
      && getComputedStyle(e).position !== "absolute" && e.getBoundingClientRect().right > %d.5).length,
    smallest: Math.min(...[...page.querySelectorAll("svg text")]
      .map((e) => e.getBoundingClientRect().height)),
    readout: page.querySelector(".readout").textContent,
    fetched: view.performance.getEntriesByType("resource").map((e) => e.name)
      .filter((name) => !name.startsWith("data:")),
  });
};
</script>"""


def browse(folder: Path) -> dict:
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --hide-scrollbars --allow-file-access-from-files "
        "--virtual-time-budget=4000"
    )
    done = subprocess.run(
        [
            str(CHROMIUM),
            *flags.split(),
            f"--user-data-dir={folder / 'profile'}",
            "--dump-dom",
            (folder / "frame.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(folder)},
    )
    found = re.search(r'<pre id="o">(.*?)</pre>', done.stdout, re.S)
    assert found is not None, done.stderr[-2000:]
    return json.loads(unescape(found.group(1)))


def test_page_fits_a_phone_and_answers(tmp_path, broken_run, image_samples):
    write_report(judge(broken_run), broken_run, image_samples, tmp_path / "report.html")
    (tmp_path / "frame.html").write_text(FRAME % (PHONE, PHONE))
    seen = browse(tmp_path)
    assert seen["wanted"] == seen["given"] == PHONE
    assert seen["beyond"] == 0
    assert seen["smallest"] >= 10
    # The first bucket of the chart holds the records of steps 0 and 10.
    assert re.fullmatch(r"Step 5: AUC of the scores 1\.00", seen["readout"])
    assert seen["fetched"] == []

"""Chromium, as Debian installs it, for tests of pages."""

import os
import shutil
import subprocess
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("selenium", reason="selenium is not installed")
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not CHROMIUM or not DRIVER:
    pytest.skip("chromium and chromedriver are not installed", allow_module_level=True)

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
    "--remote-debugging-port=0",
)

PATIENCE = 240
"""Seconds until a browser must have started, or a page have done what it does at once: a machine that does other things
as well may take its time."""


@contextmanager
def chromium(profile):
    """A browser without a window, which keeps its profile in a folder."""
    # Started here and not by the driver, which gives up after a minute.
    process = subprocess.Popen(
        [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        port = profile / "DevToolsActivePort"
        waited = time.monotonic() + PATIENCE
        while not (port.is_file() and port.read_text().count("\n")):
            assert process.poll() is None, "chromium ended"
            assert time.monotonic() < waited, "chromium does not answer"
            time.sleep(0.05)
        options = webdriver.ChromeOptions()
        options.debugger_address = f"127.0.0.1:{port.read_text().split()[0]}"
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER, log_output=os.devnull))
        yield driver
        driver.quit()
    finally:
        process.terminate()
        process.wait(PATIENCE)


def show(browser, width: int = 1280, height: int = 900, scheme: str = "light", media: str = "") -> None:
    """Let the window have a size, and the user a taste."""
    sizes = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", sizes)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})


def find(page, selector: str):
    return page.find_element(By.CSS_SELECTOR, selector)


def every(page, selector: str) -> list:
    return page.find_elements(By.CSS_SELECTOR, selector)


def until(page, condition):
    """What a condition gives, called with the page, once that is something."""
    return WebDriverWait(page, PATIENCE, 0.03).until(condition)


CONTRAST = """
const luminance = (colour) => {
  const linear = colour.map((code) => code / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
};
const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
const ground = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = numbers(getComputedStyle(e).backgroundColor);
    if (colour.length < 4 || colour[3] === 1) return colour.slice(0, 3);
    if (colour[3] !== 0) throw new Error("a colour that shines through");
  }
  return [255, 255, 255];
};
const found = [];
for (const element of document.querySelectorAll("body *")) {
  const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!text || !element.getClientRects().length || element.tagName === "SCRIPT") continue;
  const style = getComputedStyle(element);
  const colour = numbers(element.tagName === "text" ? style.fill : style.color).slice(0, 3);
  const [a, b] = [luminance(colour), luminance(ground(element))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), element.tagName + ": " + element.textContent.slice(0, 30)]);
}
return found;
"""
"""[contrast, words] of every piece of text that the page shows, by WCAG 2: from 1 to 21."""

"""A headless Chromium on a running server: opens pages, and says what is wrong with them."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import axe_core_python
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import Select, WebDriverWait

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
WHY_NOT = "Debian's packages chromium and chromium-driver are not installed; scripts/setup brings them where it may"
AXE = Path(axe_core_python.__file__).with_name("axe.min.js")
NAME, PASSWORD = "root", "a long enough password"
PATIENCE_S = 20
WIDTH, HEIGHT = 1280, 900
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", f"--window-size={WIDTH},{HEIGHT}",
)  # fmt: skip
# What lies beyond the right edge of a page, or of a list inside it, which scrolls by itself.
_OVERFLOW = """
    const wide = [document.documentElement, ...document.querySelectorAll(".simplebar-content-wrapper, .scroller")];
    return wide.filter(each => each.scrollWidth > each.clientWidth + 1 && each.offsetParent !== null
                               || each === document.documentElement && each.scrollWidth > innerWidth)
               .map(each => `${each.getAttribute("aria-label") || each.tagName} is ${each.scrollWidth} px wide`);
"""
_TEXTS = "return [...document.querySelectorAll(arguments[0])].map(each => each.innerText.trim())"
_FOCUSED = """
    const it = document.activeElement, style = getComputedStyle(it);
    if (!it.closest("#content")) return null;
    return [it.name || it.getAttribute("aria-label") || it.textContent.trim(),
            style.outlineStyle !== "none" || style.boxShadow !== "none"];
"""
_AXE = """
    const [colours, done] = arguments;
    axe.run({exclude: colours ? [] : [["#nav-sidebar"]]},
            {resultTypes: ["violations"], rules: {"color-contrast": {enabled: colours}}}).then(
        found => done(found.violations.map(each => [each.impact, each.id, each.nodes.map(node => node.html)])));
"""
_SERIOUS = ("serious", "critical")


@dataclass
class Browser:
    """`site` is the server's address. What the console says is collected until it is asked for."""

    driver: webdriver.Chrome
    site: str

    def open(self, address: str) -> None:
        self.driver.get(address if address.startswith("http") else self.site + address)

    @property
    def path(self) -> str:
        return self.driver.current_url.removeprefix(self.site)

    def one(self, css: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def within(self, element: WebElement, css: str) -> WebElement:
        return element.find_element(By.CSS_SELECTOR, css)

    def link(self, text: str) -> WebElement:
        return self.driver.find_element(By.LINK_TEXT, text)

    def button(self, text: str) -> WebElement:
        return self.driver.find_element(By.XPATH, f"//button[normalize-space()='{text}']")

    def fill(self, fields: Mapping[str, str]) -> None:
        """Types into fields by their names."""
        for name, text in fields.items():
            field = self.one(f'[name="{name}"]')
            if field.get_attribute("type") != "file":
                field.clear()
            field.send_keys(text)

    def choose(self, name: str, text: str) -> None:
        """One of a list, by the field's name and what is read."""
        Select(self.one(f'select[name="{name}"]')).select_by_visible_text(text)

    def submit(self, button: WebElement) -> None:
        """Clicks, and waits for the next page: what is asked of the database then is not asked of the browser."""
        button.click()
        WebDriverWait(self.driver, PATIENCE_S).until(staleness_of(button))

    def sign_in(self, name: str = NAME, password: str = PASSWORD) -> None:
        """On the form that asks for it."""
        self.fill({"username": name, "password": password})
        self.submit(self.one("#login-form button[type=submit]"))

    def focused(self) -> tuple[str, bool] | None:
        """What has the focus in the page's content, by its text or name, and whether that can be seen."""
        found = self.driver.execute_script(_FOCUSED)
        return tuple(found) if found else None

    def press(self, key: str) -> None:
        ActionChains(self.driver).send_keys(key).perform()

    def texts(self, css: str) -> list[str]:
        """What is read there, all at once: one by one takes a while for hundreds."""
        return self.driver.execute_script(_TEXTS, css)

    def foreign(self) -> list[str]:
        """What was loaded from elsewhere."""
        loaded = self.driver.execute_script('return performance.getEntriesByType("resource").map(each => each.name)')
        return [address for address in loaded if not address.startswith((self.site, "data:"))]

    def console_errors(self) -> list[str]:
        """Errors of scripts, of loading, and of what the page forbids, since the last question."""
        return [each["message"] for each in self.driver.get_log("browser") if each["level"] == "SEVERE"]

    def overflow(self) -> list[str]:
        """What is wider than the place that it has."""
        return self.driver.execute_script(_OVERFLOW)

    def barriers(self, colours: bool = True) -> list[tuple[str, list[str]]]:
        """What keeps people from using the page, the worst two kinds by axe-core: (rule, elements).

        Without `colours` in a quarter of the time: neither their contrast nor the menu, which are alike on many pages.
        """
        if not self.driver.execute_script("return window.axe !== undefined"):
            self.driver.execute_script(AXE.read_text())
        found = self.driver.execute_async_script(_AXE, colours)
        return [(rule, elements) for impact, rule, elements in found if impact in _SERIOUS]

    @contextmanager
    def width_of(self, pixels: int) -> Iterator[None]:
        """Shown as on a screen so wide, meanwhile."""
        metrics = {"width": pixels, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        try:
            yield
        finally:
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def picture(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(file))


@contextmanager
def running(site: str, profile: Path) -> Iterator[Browser]:
    options = webdriver.ChromeOptions()
    options.binary_location = str(CHROMIUM)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    root = ["--no-sandbox"] if os.geteuid() == 0 else []  # it has no sandbox for root
    for flag in (*_FLAGS, *root, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, Service(DRIVER))
    try:
        yield Browser(driver, site)
    finally:
        driver.quit()

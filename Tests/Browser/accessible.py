"""What a person without a mouse or without good eyes needs: no finding of axe-core, and every act by the keyboard."""

import importlib.util
import os

keys = {"Tab": 9, "Enter": 13, "Escape": 27, "Home": 36, "End": 35, "ArrowLeft": 37, "ArrowRight": 39, "Space": 32}


def script():
    """axe-core, which the package axe-playwright-python ships. It runs here without Playwright."""
    folder = importlib.util.find_spec("axe_playwright_python").submodule_search_locations[0]
    with open(os.path.join(folder, "axe.min.js"), encoding="utf-8") as file:
        return file.read()


axe = script()


async def findings(page, rules=None):
    """What axe-core finds in the page: the rule, and the elements that break it."""
    if not await page.run("!!window.axe"):
        await page.run(axe + "; true")
    options = f"{{ runOnly: {rules!r}, resultTypes: ['violations'] }}" if rules else "{ resultTypes: ['violations'] }"
    # The description of the API has a hundred sections of the same form.
    context = "document.querySelector('main').childElementCount < 40 ? document : { include: ['header', "
    context += "'main > :nth-child(-n+10)', 'main > :nth-last-child(-n+3)'] }"
    return await page.run(
        f"axe.run({context}, {options}).then((found) => found.violations.map((one) => one.id + ': '"
        " + one.nodes.slice(0, 4).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')))")


async def check(page, name, rules=None):
    found = await findings(page, rules)
    assert not found, f"axe-core finds on {name}:\n" + "\n".join(found)
    # Rows, links, fields and buttons are in the order of the Tab key, and none is without a name for it.
    lost = await page.run(
        "[...document.querySelectorAll('a[href],button,input,select,textarea,summary,.plot')]"
        ".filter((one) => one.checkVisibility() && !one.disabled && one.tabIndex < 0).map((one) => one.outerHTML.slice(0, 90))")
    assert not lost, f"the keyboard does not reach on {name}: {lost}"


async def control(page):
    """A planted missing label is found."""
    await page.run("document.querySelector('main select').removeAttribute('aria-label')")
    found = await findings(page)
    assert any(one.startswith("select-name") for one in found), f"a missing label is not found: {found}"


async def strike(page, key, shift=False):
    text = {"Enter": "\r", "Space": " "}.get(key)
    common = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": keys[key], "modifiers": 8 if shift else 0}
    await page.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **common, **({"text": text} if text else {}))
    await page.call("Input.dispatchKeyEvent", type="keyUp", **common)


async def reach(page, condition, most=150):
    """Presses Tab until the focused element meets a condition. Every focus on the way can be seen."""
    for _ in range(most):
        await strike(page, "Tab")
        state = await page.run(
            "(() => { const one = document.activeElement, style = getComputedStyle(one);"
            " const isSeen = (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || !!one.closest('svg');"
            f" return [one === document.body || isSeen, one.outerHTML.slice(0, 120), ((one) => {condition})(one)]; }})()")
        assert state[0], f"the focus cannot be seen on {state[1]}"
        if state[2]:
            return
    raise AssertionError(f"Tab does not reach {condition}")


async def type_text(page, text):
    await page.call("Input.insertText", text=text)

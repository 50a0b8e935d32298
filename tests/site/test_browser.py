"""A reader's browser, without a network: what opens, is found, copied, switched and reached by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

STATIC = Path(__file__).parents[2] / "chapters/_static"
NARROWEST = 320  # CSS pixels: a page at 1280 that is enlarged to 400 %
PHONE = 390
FORMULAS = """[...document.querySelectorAll('mjx-container[display="true"]')].filter(one => one.checkVisibility())"""


def first_with(pages, text):
    """The first page whose HTML contains `text`."""
    return next(page for page in pages if text in page.read_text())


def test_every_page_loads_without_a_complaint_and_without_the_network(visitor, pages):
    for page in pages:
        visitor.go(page)
    # `visitor` itself says what went wrong.


def test_a_request_that_leaves_the_site_is_noted(visitor, pages):
    page = visitor.go(next(iter(pages)))
    page.evaluate("fetch('https://example.org/').catch(() => null)")
    assert any("leaves the site: https://example.org/" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def test_equations_are_set_and_can_be_read_aloud(visitor, pages):
    page = visitor.go(first_with(pages, 'class="math notranslate nohighlight"'))
    assert page.locator("mjx-container").count()
    assert page.locator("mjx-container mjx-assistive-mml math").count() == page.locator("mjx-container").count()
    assert not page.locator("mjx-merror").count()


def test_a_formula_that_is_wider_than_its_column_is_set_smaller_and_grows_back(visitor, pages):
    page = visitor.go(first_with(pages, 'class="math notranslate nohighlight"'))
    place = page.locator("div.math", has=page.locator('mjx-container[display="true"]')).first
    formula = place.locator('mjx-container[display="true"]')
    page.wait_for_function("formula => formula.dataset.size", arg=formula.element_handle())
    of_its_own = formula.evaluate("formula => formula.style.fontSize")
    needs = formula.evaluate("formula => formula.querySelector('mjx-math').getBoundingClientRect().width")
    margins = place.evaluate("place => place.clientWidth") - formula.evaluate("formula => formula.clientWidth")
    place.evaluate("(place, width) => { place.style.width = `${width}px`; }", margins + 0.7 * needs)
    page.wait_for_function("([one, size]) => one.style.fontSize !== size", arg=[formula.element_handle(), of_its_own])
    assert formula.evaluate("formula => formula.scrollWidth <= formula.clientWidth")
    place.evaluate("place => { place.style.width = ''; }")
    page.wait_for_function("([one, size]) => one.style.fontSize === size", arg=[formula.element_handle(), of_its_own])


def test_a_formula_is_measured_again_when_a_font_has_come_late(visitor, pages, html):
    page = visitor.go(first_with(pages, 'class="math notranslate nohighlight"'))
    place = page.locator("div.math", has=page.locator('mjx-container[display="true"]')).first
    formula = place.locator('mjx-container[display="true"]').element_handle()
    page.wait_for_function("formula => formula.dataset.size", arg=formula)
    too_wide = "formula => formula.scrollWidth > formula.clientWidth"
    # Wider letters in a place of the same size: what a font does that comes after the formula was set.
    place.evaluate("place => { place.style.height = `${place.clientHeight}px`; }")
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))")
    formula.evaluate("""formula => {
        const letters = formula.querySelector("mjx-math");
        letters.style.paddingRight = `${formula.clientWidth - letters.getBoundingClientRect().width + 20}px`;
    }""")
    assert formula.evaluate(too_wide)
    page.evaluate(
        """source => {
        const font = new FontFace("late", `url(${source})`);
        document.fonts.add(font);
        return font.load().then(() => null);
    }""",
        next(html.rglob("*.woff2")).as_uri(),
    )
    page.wait_for_function(f"formula => !({too_wide})(formula)", arg=formula)


def test_no_formula_has_to_be_scrolled_on_a_phone(visitor, pages, html):
    visitor.page.set_viewport_size({"width": PHONE, "height": 800})
    wide = {}
    for file in pages:
        if 'class="math notranslate nohighlight"' in file.read_text():
            page = visitor.go(file)
            page.wait_for_function(f"{FORMULAS}.every(one => one.dataset.size)")
            if found := page.evaluate(f"{FORMULAS}.filter(one => one.scrollWidth > one.clientWidth).length"):
                wide[str(file.relative_to(html))] = found
    assert not wide


def test_search_finds_a_word(visitor, html, pages):
    small = any(page.name == "kinds.html" for page in pages)
    page = visitor.go(html / "search.html", "?q=quokka" if small else "?q=momentum")
    page.wait_for_selector("ul.search li a")
    page.locator("ul.search li a").first.click()
    page.wait_for_load_state("load")
    assert ("quokka" if small else "momentum") in page.locator("article").inner_text().lower()


def test_the_search_field_opens_by_its_key(visitor, pages):
    page = visitor.go(next(page for page in pages if page.parent.name == "chapters"))
    page.keyboard.press("Control+k")
    assert page.locator("input[name=q]").last.evaluate("field => field === document.activeElement")


def test_a_solution_is_hidden_until_asked_for(visitor, pages):
    page = visitor.go(first_with(pages, "solution dropdown"))
    solution = page.locator(".solution.dropdown").first
    inside = solution.locator("p:not(.admonition-title)").first
    assert not inside.is_visible()
    solution.locator("button.toggle-button").focus()
    page.keyboard.press("Enter")
    inside.wait_for(state="visible")


def test_a_copy_button_copies_the_cell_and_no_more(visitor, pages):
    page = visitor.go(first_with(pages, 'class="cell_input'))
    cell = page.locator(".cell_input .highlight").first
    cell.hover()
    cell.locator("button.copybtn").click()
    page.evaluate("document.body.prepend(document.createElement('textarea'))")
    page.locator("textarea").first.focus()
    page.keyboard.press("Control+v")
    assert page.locator("textarea").first.input_value().strip() == cell.locator("pre").inner_text().strip()


def test_dark_mode_toggles_is_kept_and_leaves_figures_legible(visitor, pages):
    page = visitor.go(first_with(pages, "cell_output"))
    mode = page.locator("html")
    button = page.locator(".theme-switch-button").first
    seen = set()
    for _ in range(3):  # light, dark, the system's
        button.click()
        seen.add((mode.get_attribute("data-mode"), mode.get_attribute("data-theme")))
    assert seen == {("auto", "light"), ("dark", "dark"), ("light", "light")}
    while mode.get_attribute("data-mode") != "dark":
        button.click()
    visitor.go(first_with(pages, "<figure"))
    assert mode.get_attribute("data-theme") == "dark", "the next page forgets it"
    grounds = page.locator("article img").evaluate_all("images => images.map(i => getComputedStyle(i).backgroundColor)")
    assert grounds
    assert set(grounds) == {"rgb(255, 255, 255)"}


def test_the_first_key_leads_to_the_content_and_focus_is_seen(visitor, pages):
    page = visitor.go(next(page for page in pages if page.parent.name == "chapters"))
    page.keyboard.press("Tab")
    focused = page.evaluate("document.activeElement.textContent.trim()")
    assert focused == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main-content"
    for _ in range(5):
        page.keyboard.press("Tab")
        style = page.evaluate("(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))")
        assert style == ["solid", "3px"]


def test_no_page_scrolls_sideways_on_the_narrowest_screen(visitor, pages, html):
    visitor.page.set_viewport_size({"width": NARROWEST, "height": 640})
    wide = {}
    for file in pages:
        page = visitor.go(file)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > NARROWEST:
            wide[str(file.relative_to(html))] = width
    assert not wide


BOXES = """(selector) => [...document.querySelectorAll(selector)].map(element => {
    const box = element.getBoundingClientRect();
    return {left: box.left, top: box.top, width: box.width, font: parseFloat(getComputedStyle(element).fontSize)};
})"""


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize(("width", "rows"), [(1280, 1), (390, 4), (NARROWEST, 4)])
def test_the_walk_can_be_read_on_every_screen(visitor, pages, width, rows, mode):
    """Its four stations stand in a row where there is room, and else below one another; the letters stay letters."""
    visitor.page.set_viewport_size({"width": width, "height": 800})
    visitor.page.emulate_media(color_scheme=mode)
    page = visitor.go(next(file for file in pages if file.name in ("intro.html", "start.html")))
    stations = page.evaluate(BOXES, ".gb-walk li")
    assert len(stations) == 4 and len({round(box["top"]) for box in stations}) == rows
    assert min(box["width"] for box in stations) > 110
    assert min(box["font"] for box in page.evaluate(BOXES, ".gb-walk li, .gb-walk li *")) >= 12
    pictures = page.evaluate(BOXES, ".gb-card-picture")
    assert pictures
    for picture, text in zip(pictures, page.evaluate(BOXES, ".gb-card-picture + *")):
        assert (picture["top"] == text["top"]) is (rows == 1), "beside the words, or above them"
        assert picture["width"] > 200


def test_a_picture_moves_when_it_is_asked_to_and_not_before(small_visitor, small_html):
    page = small_visitor.go(small_html / "chapters/kinds.html")
    box = page.locator("figure .gb-moving")
    slider, button, told = box.locator("input"), box.locator("button"), box.locator("output")
    places = "box => [...box.querySelectorAll('[data-moves]')].map(it => it.getBoundingClientRect().y)"
    end = box.evaluate(places)
    assert told.inner_text() == "3.0 s"
    assert told.get_attribute("aria-live") == "off", "a screen reader would read every frame"
    assert not box.locator("img").is_visible()
    slider.focus()
    page.keyboard.press("Home")
    assert told.inner_text() == slider.get_attribute("aria-valuetext") == "0.0 s"
    begin = box.evaluate(places)
    assert len(begin) == 4
    assert all(low - high > 50 for low, high in zip(end, begin)), "all begin high, and y points down"
    button.click()
    assert button.inner_text() == "Pause"
    page.wait_for_function("document.querySelector('.gb-moving output').textContent >= '1.0 s'")
    button.click()
    assert button.inner_text() == "Play"
    assert "0.0 s" < told.inner_text() < "3.0 s"
    assert begin != box.evaluate(places) != end


def test_slides_that_are_higher_than_the_screen_get_smaller_letters(small_visitor):
    def slide(lines: int) -> str:
        return f'<section class="gb-slide" id="slide-{lines}" tabindex="-1">{"<p>A line.</p>" * lines}</section>'

    page = small_visitor.page
    page.set_viewport_size({"width": 1280, "height": 720})
    page.set_content(f'<body class="gb-slides"><main>{slide(2)}{slide(9)}{slide(60)}</main></body>')
    page.add_style_tag(path=STATIC / "slides.css")
    looks = "[...document.querySelectorAll('.gb-slide')].map(it => [it.offsetHeight, it.style.fontSize])"
    before = page.evaluate(looks)
    assert before[0] == [720, ""] < before[1] < before[2]
    page.add_script_tag(path=STATIC / "slides.js")
    page.wait_for_function("document.getElementById('slide-9').style.fontSize")
    short, high, endless = page.evaluate(looks)
    assert high[0] == 720 and 15 <= float(high[1].removesuffix("px")) < 25
    assert [short, endless] == [before[0], before[2]], "letters that nobody can read do not help"
    page.set_viewport_size({"width": 1280, "height": 2000})
    page.wait_for_function("!document.getElementById('slide-9').style.fontSize")


def test_what_scrolls_on_a_slide_is_reached_by_keyboard_and_what_does_not_is_no_stop(small_visitor):
    page = small_visitor.page
    page.set_viewport_size({"width": 1280, "height": 720})
    outputs = f"<pre>{'wide ' * 400}</pre><pre>narrow</pre>"
    page.set_content(f'<body class="gb-slides"><main><section class="gb-slide">{outputs}</section></main></body>')
    page.add_style_tag(path=STATIC / "slides.css")
    page.add_script_tag(path=STATIC / "slides.js")
    page.wait_for_function("document.querySelector('pre').tabIndex === 0")
    assert page.evaluate("[...document.querySelectorAll('pre')].map(it => it.tabIndex)") == [0, -1]


def test_on_paper_a_moving_picture_is_a_strip(small_visitor, small_html):
    page = small_visitor.go(small_html / "chapters/kinds.html")
    page.emulate_media(media="print")
    box = page.locator("figure .gb-moving")
    assert box.locator("img").is_visible()
    assert box.locator("img").evaluate("image => image.naturalWidth") > 300
    assert not box.locator("[role=img]").is_visible()
    assert not box.locator("button").is_visible()


def test_a_moved_page_leads_to_the_new_one(small_visitor, small_html):
    page = small_visitor.go(small_html / "chapters/moved.html")
    page.wait_for_url("**/start.html")
    assert page.locator("article h1").inner_text().startswith("Start")

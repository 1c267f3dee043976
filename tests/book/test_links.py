"""A reader's own JupyterHub is asked for on a page that works from disk, too."""

import re
from urllib.parse import parse_qs, urlsplit

import launch_buttons
import pytest
import twins

TWIN = "book/pooling.ipynb"


def address_of(shown):
    """Split the link that the page shows into the hub and what it asks of it."""
    url = urlsplit(shown)
    query = {name: value for name, (value,) in parse_qs(url.query).items()}
    return url._replace(query="").geturl(), query


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["http", "file"])
def test_the_hub_page_makes_the_link_that_nbgitpuller_reads(
    scheme, server, site, visit
):
    start = server.url if scheme == "http" else site.as_uri()
    with visit(f"{start}/hub.html?notebook={TWIN}") as opened:
        page = opened.page
        page.fill("#hub-address", "https://hub.example.org/jupyter/hub/home")
        link = page.locator("#hub-link a")
        hub, query = address_of(link.get_attribute("href"))
        assert hub == "https://hub.example.org/jupyter/hub/user-redirect/git-pull"
        assert query == launch_buttons_query()
        assert opened.troubles == []


def launch_buttons_query():
    settings = pytest.importorskip("build_notebooks").publication()
    return settings.pull(TWIN)


@pytest.mark.browser
def test_the_hub_is_remembered_and_the_button_goes_there(server, visit):
    with visit(f"{server.url}/hub.html?notebook={TWIN}") as opened:
        page = opened.page
        gone = []
        page.route("**/git-pull?*", lambda route: (
            gone.append(route.request.url), route.fulfill(body="there")))  # fmt: skip
        page.fill("#hub-address", f"{server.url}/")
        page.click("text=Open the notebook")
        page.wait_for_url("**/git-pull?*")
        hub, query = address_of(gone[0])
        assert hub == f"{server.url}/hub/user-redirect/git-pull"
        assert query == launch_buttons_query()
        page.goto(f"{server.url}/hub.html")
        assert page.input_value("#hub-address") == f"{server.url}/"


@pytest.mark.browser
@pytest.mark.parametrize("asked", ["javascript:alert(1)", "..%2F..%2Fsecret", ""])
def test_the_hub_page_opens_notebooks_of_the_course_only(asked, server, visit):
    with visit(f"{server.url}/hub.html?notebook={asked}") as opened:
        opened.page.fill("#hub-address", "javascript:alert(1)")
        assert opened.page.locator("#hub-link a").count() == 0
        opened.page.fill("#hub-address", "https://hub.example.org")
        shown = opened.page.locator("#hub-link a").get_attribute("href")
        assert address_of(shown)[1]["urlpath"].endswith("-notebooks/README.md")


class Book:
    """As much of Sphinx as the link of the hub button needs."""

    def __init__(self, hub):
        theme = {
            "repository_url": "https://github.com/someone/cnn",
            "repository_branch": "main",
            "launch_buttons": {"jupyterhub_url": hub},
        }
        settings = {"html_theme_options": theme, "notebooks_branch": "twins"}
        self.config = type("Config", (), settings)


def test_a_hub_that_is_configured_is_opened_directly():
    link = launch_buttons.hub_link(Book("https://hub.a.org/"), TWIN, str)
    hub, query = address_of(link)
    assert hub == "https://hub.a.org/hub/user-redirect/git-pull"
    published = twins.Publication("https://github.com/someone/cnn", "main", "twins")
    assert query == published.pull(TWIN)
    assert query["urlpath"] == f"lab/tree/cnn-notebooks/{TWIN}"


def test_the_set_up_cell_is_python_that_names_its_source():
    published = twins.Publication("https://github.com/someone/cnn", "dev", "twins")
    source = twins.set_up_cell(published)["source"]
    compile(source, "cell", "exec")
    (named,) = re.findall(r'"(https://[^"]+)"', source)
    assert named == "https://github.com/someone/cnn/archive/refs/heads/dev.zip"

"""Fixtures of the end-to-end tests: gateways and fake models that are always stopped, and their logs on failure."""

import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import parts  # noqa: E402
from certificates import Authority  # noqa: E402
from fake_model import BlackHole, FakeModel  # noqa: E402
from gateway import Gateway  # noqa: E402


@pytest.fixture(scope="module")
def gateway_factory():
    """Gateway.start with an end: every gateway is stopped (and so proves a clean end) after the module's last test."""
    started = []

    def start(*arguments, **options):
        gateway = Gateway.start(*arguments, **options)
        started.append(gateway)
        return gateway

    yield start
    failures = []
    for gateway in started:
        try:
            gateway.stop()
        except AssertionError as failure:
            failures.append(str(failure))
        gateway.forget()
    assert not failures, "\n".join(failures)


@pytest.fixture(scope="module")
def model_factory():
    """FakeModel with an end."""
    started = []

    def start(*arguments, **options):
        started.append(FakeModel(*arguments, **options))
        return started[-1]

    start.started = started
    yield start
    for model in started:
        model.close()


@pytest.fixture(scope="module")
def fake(model_factory):
    """A fake model, for what a small real one does not do on demand."""
    return model_factory()


@pytest.fixture(scope="module")
def real_and_fake(gateway_factory, fake):
    """A gateway to the real models, and to `fake` by that name."""
    config = parts.gateway_config()
    config["models"].append({"name": "fake", "endpoints": [{"url": fake.base}], "retry": {"attempts": 1}})
    return gateway_factory(config=config, env=parts.GATEWAY_ENV)


@pytest.fixture(scope="module")
def authority():
    """A certificate authority of the module's own; its files go with it."""
    authority = Authority()
    yield authority
    authority.close()


@pytest.fixture(scope="module")
def hole():
    """An address that never answers a connection."""
    hole = BlackHole()
    yield hole
    hole.close()


@pytest.fixture(autouse=True)
def _fresh_models(request):
    """Each test finds its fake models without scripts and records, and leaves no violation and no dead gateway."""
    models = request.getfixturevalue("model_factory").started if "model_factory" in request.fixturenames else []
    for model in models:
        model.reset()
    for gateway in Gateway.running:
        gateway.mark = len(gateway.log())
    if any(gateway.is_dead for gateway in Gateway.running):
        pytest.fail("the gateway died in an earlier test", pytrace=False)
    yield
    violations = [violation for model in models for violation in model.violations]
    assert not violations, f"the gateway sent what no strict server accepts: {violations}"
    dead = [gateway for gateway in Gateway.running if gateway.is_dead]
    assert not dead, "the gateway died:\n" + "\n".join(gateway.tail(100) for gateway in dead)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for number, gateway in enumerate(Gateway.running):
            if gateway.tail():
                report.sections.append((f"log of gateway {number}", gateway.tail()))

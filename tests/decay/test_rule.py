import pytest

from memory_maintenance.decay.rule import RuleArguments, decay_rule
from memory_maintenance.errors import SettingsError
from memory_maintenance.settings import Settings, TenantOverrides, load_settings


@pytest.fixture
def configured(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env

    def configure(**variables: str) -> Settings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return load_settings()

    return configure


@pytest.mark.parametrize(
    ("deployment", "tenant", "rate"),
    [
        pytest.param("0.002", None, 0.002, id="the deployment's"),
        pytest.param("0.002", 0.005, 0.005, id="the tenant's own"),
        pytest.param("0.5", None, 0.01, id="no more than the upper bound"),
        pytest.param("0", None, 0.0001, id="no less than the lower bound"),
        pytest.param("0.002", 0.9, 0.01, id="bounds hold for tenants too"),
    ],
)
def test_one_rate_serves_every_caller(configured, deployment, tenant, rate):
    settings = configured(MEMORY_BASE_DECAY_RATE=deployment)
    assert decay_rule(settings.for_tenant(TenantOverrides(decay_rate=tenant))).rate == rate


def test_what_a_tenant_overrides_holds_and_the_rest_is_the_deployments(configured):
    settings = configured(MEMORY_DECAY_POLICY="bounded", MEMORY_ACCESS_COUNT_BOOST="false")
    own = TenantOverrides.model_validate({"decay_policy": "staged", "protected_tags": "vip,law"})
    assert decay_rule(settings.for_tenant(TenantOverrides())).policy == "bounded"
    rule = decay_rule(settings.for_tenant(own))
    assert (rule.policy, rule.use_access, rule.protected_tags) == ("staged", False, frozenset({"vip", "law"}))


@pytest.mark.parametrize(
    ("value", "tags"),
    [("", {"pinned"}), (",", set()), ("a", {"a"}), (" keep , pinned ,", {"keep", "pinned"})],
)
def test_protected_tags_are_separated_by_commas(configured, value, tags):
    rule = decay_rule(configured(MEMORY_DECAY_PROTECTED_TAGS=value))
    assert rule.protected_tags == tags


@pytest.mark.parametrize(
    ("value", "speeds"),
    [
        ("", {}),
        ("semantic=0.5", {"semantic": 0.5, "ltm": 0.5, "sm": 0.5}),
        ("rm=0, EM = 2", {"reflective": 0.0, "rm": 0.0, "episodic": 2.0, "em": 2.0}),
        ("stm=3", {"working": 3.0, "stm": 3.0, "wm": 3.0}),
    ],
)
def test_a_layer_may_be_named_in_any_spelling_and_is_meant_in_all(configured, value, speeds):
    assert decay_rule(configured(MEMORY_DECAY_LAYERS=value)).layers == speeds


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        pytest.param("sematic=1", r"entry 1 is not LAYER=SPEED with a layer of episodic, em", id="unknown"),
        pytest.param("semantic", "entry 1 is not LAYER=SPEED", id="no speed"),
        pytest.param("sm=1,ltm=2", "the layer semantic is named twice", id="named twice"),
        pytest.param("semantic=fast", "valid number", id="no number"),
        pytest.param("semantic=-1", "greater than or equal to 0", id="negative"),
        pytest.param("semantic=nan", "", id="not a number"),
    ],
)
def test_a_layer_setting_that_cannot_be_read_is_one_line_with_its_name(configured, value, fault):
    with pytest.raises(SettingsError, match=f"MEMORY_DECAY_LAYERS.*{fault}") as caught:
        configured(MEMORY_DECAY_LAYERS=value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("deployment", "tenant", "on"),
    [("true", None, True), ("false", None, False), ("true", False, False), ("false", True, True)],
)
def test_a_tenant_can_be_left_out_of_decay_and_let_in(configured, deployment, tenant, on):
    settings = configured(MEMORY_IMPORTANCE_DECAY_ENABLED=deployment)
    assert settings.for_tenant(TenantOverrides(decay_enabled=tenant)).memory_importance_decay_enabled is on


@pytest.mark.parametrize(
    ("deployment", "tenant", "share"),
    [
        pytest.param({}, None, None, id="nobody says: the store's"),
        pytest.param({"MEMORY_DECAY_RETAINED": "0.4"}, None, 0.4, id="the deployment's"),
        pytest.param({"MEMORY_DECAY_RETAINED": "0.4"}, 0.0, 0.0, id="the tenant's own"),
        pytest.param({}, 1.0, 1.0, id="the tenant's alone"),
    ],
)
def test_the_share_that_stays_is_the_tenants_then_the_deployments(configured, deployment, tenant, share):
    own = configured(**deployment).for_tenant(TenantOverrides(decay_retained=tenant))
    assert decay_rule(own).retained_share == share


def test_arguments_replace_what_they_name_and_nothing_else(configured):
    rule = decay_rule(configured())
    assert RuleArguments().applied_to(rule) == rule
    assert RuleArguments(decay_rate=0.2).applied_to(rule).rate == 0.2
    assert RuleArguments(consider_access_stats=False).applied_to(rule).rate == rule.rate

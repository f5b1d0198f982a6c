"""
Errors as problem documents.
"""

import inspect
import json

import pytest
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from collector import errors
from collector.api.problems import problem_response

STATUSES = {
    "BadRequest": 400, "NotAuthenticated": 401, "NotAllowed": 403, "NotFound": 404, "TooSlow": 408, "TooLarge": 413,
    "UnsupportedMedia": 415, "SqlRefused": 400, "SqlTimeout": 400, "NothingAccepted": 422, "RateLimited": 429,
    "StoreBusy": 503, "StoreUnavailable": 503,
}  # fmt: skip


def told(exc, **options):
    response = problem_response(exc, **options)
    return response, json.loads(bytes(response.body))


@pytest.mark.parametrize(("name", "status"), STATUSES.items())
def test_each_error_has_its_status(name, status):
    """
    With the members of RFC 9457, and what to do in the detail.
    """
    response, content = told(getattr(errors, name)("what happened: what to do"))
    assert status == response.status_code == content["status"]
    assert "application/problem+json" == response.headers["content-type"]
    assert {"type", "title", "detail"} <= set(content)


def test_every_request_error_is_mapped():
    """
    A new one without a status would be a 500.
    """
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.RequestError)]
    assert {kind.__name__ for kind in kinds} - {"RequestError"} <= set(STATUSES)


@pytest.mark.parametrize("name", ["StoreBusy", "StoreUnavailable", "RateLimited"])
def test_what_may_work_later_says_when(name):
    """
    Retry-After in seconds.
    """
    assert int(told(getattr(errors, name)("x"))[0].headers["retry-after"]) >= 1


def test_missing_key_says_what_kind_is_wanted():
    """
    WWW-Authenticate, as HTTP asks.
    """
    assert "Bearer" == told(errors.NotAuthenticated("x"))[0].headers["www-authenticate"]


@pytest.mark.parametrize(
    "exc", [RuntimeError("sk-secret"), errors.StoreUnavailable("sk-secret"), errors.SchemaTooNew("sk-secret")]
)
def test_words_of_drivers_and_bugs_stay_inside(exc):
    """
    They may hold what was sent, or a password.
    """
    assert b"secret" not in bytes(problem_response(exc).body)
    assert problem_response(exc).status_code >= 500


def test_wrong_parameter_is_named_without_its_value():
    """
    400, in the same shape.
    """
    exc = RequestValidationError([{"loc": ("query", "limit"), "msg": "not a number", "type": "int", "input": "sk-secret"}])
    response, content = told(exc)
    assert 400 == response.status_code
    assert "limit" in content["detail"]
    assert "secret" not in content["detail"]


def test_framework_errors_keep_their_status_and_headers():
    """
    404 and 405 of the router.
    """
    response, content = told(HTTPException(405, headers={"allow": "GET"}))
    assert (405, "GET", "Method Not Allowed") == (response.status_code, response.headers["allow"], content["title"])


def test_more_members_stand_beside_the_problem():
    """
    As RFC 9457 lets them.
    """
    assert 3 == told(errors.NothingAccepted("x"), more={"accepted": 3})[1]["accepted"]

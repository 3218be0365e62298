"""scripts/test counts rows, not programs, and takes no crash and no silence for success."""
import importlib.machinery
import importlib.util
import pathlib

import pytest

SCRIPT = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "test"


@pytest.fixture
def script():
    loader = importlib.machinery.SourceFileLoader("muster_scripts_test", str(SCRIPT))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


def report(tmp_path, *cases):
    path = tmp_path / "report.xml"
    path.write_text("<testsuite>" + "".join(
        f'<testcase name="{name}" status="{status}"><system-out>{output}</system-out></testcase>'
        for name, status, output in cases) + "</testsuite>")
    return path


def test_the_rows_of_all_tables_are_added(script, tmp_path):
    script.count_cmocka(report(tmp_path, ("a", "run", "[  PASSED  ] 7 test(s).\n[  PASSED  ] 2 test(s)."),
                               ("b", "run", "[  PASSED  ] 1 test(s).")), "unit")
    assert (script.passed, script.failed) == (10, [])


def test_each_failed_row_is_named_once(script, tmp_path):
    output = ("[  FAILED  ] a row\n[  PASSED  ] 3 test(s).\n[  FAILED  ] 2 test(s), listed below:\n"
              "[  FAILED  ] a row\n[  FAILED  ] another: row\n")
    script.count_cmocka(report(tmp_path, ("a", "fail", output)), "unit")
    assert script.passed == 3
    assert script.failed == ["unit: a: a row", "unit: a: another: row"]


def test_a_program_that_died_is_a_failure(script, tmp_path):
    script.count_cmocka(report(tmp_path, ("a", "fail", "[ RUN      ] a row\nSEGV")), "unit")
    assert script.passed == 0 and len(script.failed) == 1


def test_no_report_and_an_empty_report_are_failures(script, tmp_path):
    script.count_cmocka(tmp_path / "none.xml", "unit")
    script.count_cmocka(report(tmp_path), "unit")
    script.count_junit(tmp_path / "none.xml", "pytest")
    assert script.passed == 0 and len(script.failed) == 3


def test_pytest_cases_are_counted_and_skipped_ones_are_not(script, tmp_path):
    path = tmp_path / "junit.xml"
    path.write_text('<testsuite><testcase name="a"/><testcase name="b"><failure/></testcase>'
                    '<testcase name="c"><error/></testcase><testcase name="d"><skipped message="no"/></testcase>'
                    '</testsuite>')
    script.count_junit(path, "e2e")
    assert script.passed == 1 and len(script.failed) == 2


def test_what_the_machine_trusts_does_not_reach_the_tests(script, monkeypatch):
    for name in ("AWS_CA_BUNDLE", "AWS_PROFILE", "SSL_CERT_FILE", "https_proxy", "HTTP_PROXY", "NODE_EXTRA_CA_CERTS"):
        monkeypatch.setenv(name, "/elsewhere")
    assert "/elsewhere" not in script.clean_environment().values()

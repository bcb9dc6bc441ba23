"""What the demo will not do."""

from .conftest import SAMPLES


def test_without_samples_it_says_where_they_come_from(copydesk, tmp_path):
    shown = copydesk("demo", tmp_path / "d", "--samples", tmp_path)
    assert shown.status == 2
    assert "the sample articles are not here" in shown.err
    assert "--samples" in shown.err
    assert not (tmp_path / "d").exists()


def test_it_keeps_its_samples_out_of_a_desk_with_other_work(copydesk, own_desk):
    shown = copydesk("demo", own_desk, "--samples", SAMPLES)
    assert shown.status == 2
    assert "this desk holds other work" in shown.err

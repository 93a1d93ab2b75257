import json

import pytest

from trainer.dataset import dataset_file, holdout_file, read_rows
from trainer.errors import TrainerError
from trainer.rows import Row

HELLO = Row("hello, you", "greeting")
BYE = Row("bye", "farewell")
CLINC = {
    "train": [["hello, you", "greeting"]],
    "val": [["good evening", "greeting"]],
    "test": [["bye", "farewell"]],
    "oos_train": [["is it true", "oos"]],
    "oos_test": [["who knows", "oos"]],
}


@pytest.fixture
def file(tmp_path):
    def write(name, content):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("a.csv", 'text,intent\n"hello, you",greeting\nbye,farewell\n', id="CSV"),
        pytest.param("a.csv", '\ufefftext,intent\r\n"hello, you",greeting\r\nbye,farewell\r\n', id="CSV as spreadsheets write it"),
        pytest.param("a.csv", 'intent,domain,text\ngreeting,smalltalk,"hello, you"\nfarewell,,bye\n', id="CSV with other columns between"),
        pytest.param("a.jsonl", '{"text":"hello, you","intent":"greeting"}\n\n{"intent":"farewell","text":"bye"}\n', id="JSON lines"),
    ],
)
def test_a_file_is_read_in_its_order(file, name, content):
    assert read_rows(file(name, content), split="train") == [HELLO, BYE]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_unusual_line_separators_inside_a_text_do_not_end_a_row(file, name):
    text = "one\u2028two\x0cthree\x85four"
    content = f"text,intent\n{text},greeting\n" if name == "a.csv" else '{"text": "one\u2028two\\ftree\x85", "intent": "greeting"}\n'
    assert len(read_rows(file(name, content), split="train")) == 1


@pytest.mark.parametrize(
    ("split", "include_oos", "expected"),
    [
        pytest.param("train", False, [HELLO], id="train, and neither val nor out-of-scope rows"),
        pytest.param("test", False, [BYE], id="test"),
        pytest.param("train", True, [HELLO, Row("is it true", "oos")], id="train with out-of-scope rows on request"),
        pytest.param("test", True, [BYE, Row("who knows", "oos")], id="test with out-of-scope rows on request"),
    ],
)
def test_of_a_clinc_file_the_split_asked_for_is_read(file, split, include_oos, expected):
    assert read_rows(file("data_full.json", json.dumps(CLINC)), split=split, include_oos=include_oos) == expected


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        pytest.param("a.csv", "", "columns text and intent", id="an empty file"),
        pytest.param("a.csv", "text,intent\n", "a.csv holds no rows", id="a header alone"),
        pytest.param("a.csv", "utterance,intent\nhi,greeting\n", "text missing", id="a column of another name"),
        pytest.param("a.csv", "text,intent\nhi, you,greeting\n", "line 2: the number of columns differs", id="an unquoted comma"),
        pytest.param("a.csv", "text,intent\nhi\n", "line 2: the number of columns differs", id="a column too few"),
        pytest.param("a.csv", 'text,intent\nhi,greeting\n"bye,farewell\nx,y\n', "not valid CSV", id="a quote that is never closed"),
        pytest.param("a.csv", "text,intent\n ,greeting\n", "line 2: the text is empty", id="an empty text"),
        pytest.param("a.csv", "text,intent\ncafé,place\n".encode("latin-1"), "not UTF-8 text: byte 15", id="Latin-1"),
        pytest.param(
            "a.csv", "text,intent\nhi,greeting\n".encode("utf-16"), "not UTF-8 text: byte 0", id="UTF-16 with its byte order mark"
        ),
        pytest.param("a.jsonl", '{"text":"hi","intent":"greeting"}\n{"text":\n', "a.jsonl, line 2: not valid JSON", id="JSON cut off"),
        pytest.param("a.jsonl", '["hi","greeting"]\n', "line 1: expected a JSON object", id="a list where an object should be"),
        pytest.param("a.jsonl", '{"utterance":"hi","intent":"greeting"}\n', "line 1: the text is empty", id="a key of another name"),
        pytest.param("a.json", "[" * 100_000, "a.json: not valid JSON", id="JSON nested without end"),
        pytest.param("a.json", '{"text":["hi"]}', "not a CLINC150 file: it has no list 'train'", id="some other JSON file"),
        pytest.param("a.json", "[]", "not a CLINC150 file", id="a JSON list"),
        pytest.param(
            "a.json", '{"train":[["hi"]]}', r"train\[0\]: expected a list of text and intent", id="a CLINC row without its intent"
        ),
        pytest.param("a.json", '{"train":[]}', "a.json holds no rows", id="a CLINC file without rows"),
    ],
)
def test_a_file_that_is_not_as_it_should_be_is_refused_with_the_place(file, name, content, complaint):
    with pytest.raises(TrainerError, match=complaint):
        read_rows(file(name, content), split="train")


@pytest.mark.parametrize("name", ["full", "full.csv"])
def test_a_data_set_is_named_with_or_without_its_suffix(file, name):
    assert dataset_file(file("full.csv", "").parent, name).name == "full.csv"


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        pytest.param("../secret", "not allowed", id="a way up"),
        pytest.param("..", "not allowed", id="the parent"),
        pytest.param("/etc/passwd", "not allowed", id="an absolute path"),
        pytest.param("sub/full", "not allowed", id="a folder below"),
        pytest.param("", "not allowed", id="nothing"),
        pytest.param("full\n", "not allowed", id="a line feed at the end"),
        pytest.param("huge", "holds no file huge.csv or huge.jsonl or huge.json", id="a file that is not there"),
        pytest.param("sub.csv", "holds no file sub.csv", id="a folder with a file's name"),
        pytest.param("twice", "ambiguous, as there are twice.csv and twice.jsonl", id="a name that fits two files"),
        pytest.param("outside", "symbolic link that leaves the data folder", id="a link out of the folder"),
    ],
)
def test_a_data_set_name_reaches_one_file_of_the_data_folder_and_no_other(tmp_path, name, complaint):
    folder = tmp_path / "data"
    (folder / "sub.csv").mkdir(parents=True)
    for path in ("data/twice.csv", "data/twice.jsonl", "secret.csv"):
        (tmp_path / path).write_text("text,intent\n")
    (folder / "outside.csv").symlink_to("../secret.csv")
    with pytest.raises(TrainerError, match=complaint):
        dataset_file(folder, name)


def test_links_as_kubernetes_makes_them_in_its_volumes_are_followed(tmp_path):
    (tmp_path / "..2026_01_01").mkdir()
    (tmp_path / "..2026_01_01" / "full.csv").write_text("text,intent\n")
    (tmp_path / "..data").symlink_to("..2026_01_01")
    (tmp_path / "full.csv").symlink_to("..data/full.csv")
    assert dataset_file(tmp_path, "full") == tmp_path / "full.csv"


def test_a_holdout_may_lie_in_a_folder_below(tmp_path):
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits" / "test.csv").write_text("text,intent\n")
    assert holdout_file(tmp_path, "splits/test.csv") == tmp_path / "splits" / "test.csv"


@pytest.mark.parametrize("path", ["../test.csv", "/test.csv", "splits//test.csv", "test", "test.parquet", "missing.csv"])
def test_a_holdout_that_is_not_a_file_below_the_data_folder_is_refused(tmp_path, path):
    with pytest.raises(TrainerError, match=r"The holdout .* is not allowed|holds no file"):
        holdout_file(tmp_path, path)


def test_a_missing_data_folder_is_said(tmp_path):
    with pytest.raises(TrainerError, match=r"does not exist: check spec\.data of the ModelDeployment"):
        dataset_file(tmp_path / "nowhere", "full")

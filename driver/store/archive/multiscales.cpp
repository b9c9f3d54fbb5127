#include "driver/store/archive/multiscales.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "driver/store/text.h"

namespace ndarray {
namespace {

using nlohmann::json;

// A level halves at least one side, so that no pyramid has more.
constexpr size_t kMaxLevels = 64;

struct Level {
  std::string asset, array;
  std::string derived_from;  // an asset; empty: it does not say
};

// The text of a key; absent: empty. False for what is no text.
bool TakeText(const json& object, const char* key, std::string& text) {
  const auto found = object.find(key);
  if (found == object.end() || found->is_null()) return true;
  if (!found->is_string()) return false;
  text = found->get<std::string>();
  return true;
}

Result<std::vector<Level>> ParseLevels(const json& multiscales, const AssetFinder& find) {
  const auto layout = multiscales.is_object() ? multiscales.find("layout") : multiscales.end();
  if (!multiscales.is_object() || layout == multiscales.end() || !layout->is_array() ||
      layout->empty() || layout->size() > kMaxLevels) {
    return Corrupt("layout", "another value",
                   "a list of 1 to " + std::to_string(kMaxLevels) + " levels");
  }
  std::vector<Level> levels;
  std::set<std::string> arrays;
  for (const json& item : *layout) {
    Level level;
    if (!item.is_object() || !TakeText(item, "asset", level.asset) ||
        !TakeText(item, "derived_from", level.derived_from) || level.asset.empty()) {
      return Corrupt("level " + std::to_string(levels.size()), "another value",
                     "one with an asset");
    }
    level.array = find(level.asset);
    if (level.array.empty()) {
      return Corrupt("asset '" + Excerpt(level.asset) + "'", "none", "an array of the group");
    }
    if (!arrays.insert(level.array).second) {
      return Corrupt("asset '" + Excerpt(level.asset) + "'", "one that is named before",
                     "each once");
    }
    levels.push_back(std::move(level));
  }
  return levels;
}

}  // namespace

Result<std::vector<std::string>> PyramidLevels(const json& multiscales, const AssetFinder& find) {
  Result<std::vector<Level>> levels = ParseLevels(multiscales, find);
  if (!levels.ok()) return levels.status();
  std::map<std::string, size_t> numbers;
  for (size_t i = 0; i < levels->size(); ++i) numbers[(*levels)[i].asset] = i;
  std::vector<size_t> roots;
  for (size_t i = 0; i < levels->size(); ++i) {
    const Level* level = &(*levels)[i];
    if (level->derived_from.empty()) roots.push_back(i);
    // To the one that is derived from none, in no more steps than there are levels.
    for (size_t steps = 0; !level->derived_from.empty(); ++steps) {
      const auto from = numbers.find(level->derived_from);
      if (from == numbers.end() || steps == levels->size()) {
        return Corrupt(
            "derived_from of asset '" + Excerpt((*levels)[i].asset) + "'",
            steps == levels->size() ? "a cycle" : "'" + Excerpt(level->derived_from) + "'",
            "a finer asset");
      }
      level = &(*levels)[from->second];
    }
  }
  // Where none says what it is derived from, the first is the finest.
  if (roots.size() != 1 && roots.size() != levels->size()) {
    return Corrupt("levels derived from none", std::to_string(roots.size()), "one");
  }
  std::vector<std::string> names = {(*levels)[roots.front()].array};
  for (size_t i = 0; i < levels->size(); ++i) {
    if (i != roots.front()) names.push_back((*levels)[i].array);
  }
  return names;
}

}  // namespace ndarray

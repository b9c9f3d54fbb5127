#include "driver/raster/formats/npz_archive.h"

#include <map>
#include <utility>
#include <vector>

#include "driver/raster/files/zip_file.h"
#include "driver/store/npy/npy_array.h"
#include "driver/store/text.h"

namespace ndarray {
namespace {

constexpr std::string_view kSuffix = ".npy";

class NpzArchive final : public ArrayArchive {
 public:
  explicit NpzArchive(ZipFile zip) : zip_(std::move(zip)) {
    for (const ZipMember& member : zip_.directory().members()) {
      std::string_view name(member.name);
      if (name.size() < kSuffix.size() || name.substr(name.size() - kSuffix.size()) != kSuffix ||
          !zip_.directory().IsFound(member)) {
        continue;
      }
      name.remove_suffix(kSuffix.size());
      if (name.empty()) {  // NPY:"a.npz": is the archive
        NoteLeftOut(member.name, "without a name");
        continue;
      }
      std::string text = Utf8OfBytes(name);
      if (!members_.emplace(text, &member).second) continue;
      NoteLeftOut(text, WhyUnreadable(member));
      names_.push_back(std::move(text));
    }
  }

  const std::vector<std::string>& names() const override { return names_; }

  Result<ArchiveItem> Find(const std::string& name) const override {
    ArchiveItem item;
    if (name.empty()) {
      if (names_.empty()) {
        return Mismatch(StatusCode::kNotSupported, "members",
                        left_out().empty() ? "no .npy" : left_out().front(), "at least one .npy")
            .At(zip_.path());
      }
      if (names_.size() == 1) {
        item.array = names_[0];
      } else {
        item.datasets = names_;
      }
      return item;
    }
    if (members_.count(name) == 0) {
      return Mismatch(StatusCode::kNotFound, "array", "'" + Excerpt(name) + "'",
                      ListForPeople(names_))
          .At(zip_.path());
    }
    item.array = name;
    return item;
  }

  Result<std::shared_ptr<ByteFile>> OpenFile(const std::string& name) const override {
    const auto found = members_.find(name);
    if (found == members_.end()) return Find(name).status();
    return zip_.OpenMember(*found->second, zip_.path() + ":" + name);
  }

  const ZipMember* MemberOf(const std::string& name) const override {
    const auto found = members_.find(name);
    return found == members_.end() ? nullptr : found->second;
  }

  Result<std::shared_ptr<Array>> Open(const std::string& name, int max_threads) const override {
    Result<std::shared_ptr<ByteFile>> file = OpenFile(name);
    if (!file.ok()) return file.status();
    return OpenNpyArray(std::move(*file), max_threads);
  }

 private:
  const ZipFile zip_;
  std::map<std::string, const ZipMember*> members_;  // of zip_, by name
  std::vector<std::string> names_;
};

}  // namespace

Result<std::shared_ptr<ArrayArchive>> OpenNpz(const std::string& path, const MapPolicy& policy) {
  Result<ZipFile> zip = ZipFile::Open(path, policy);
  if (!zip.ok()) return zip.status();
  return std::shared_ptr<ArrayArchive>(std::make_shared<NpzArchive>(std::move(*zip)));
}

}  // namespace ndarray

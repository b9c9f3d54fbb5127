#include "driver/raster/multidim/open_array.h"

#include <nlohmann/json.hpp>

#include "driver/raster/gdal_error.h"
#include "driver/raster/multidim/attribute_store.h"
#include "driver/raster/multidim/facts_store.h"

namespace ndarray {

std::shared_ptr<OpenArray> OpenArray::New(std::shared_ptr<Array> array, ArrayFacts facts,
                                          bool is_temporary) {
  auto open = std::make_shared<OpenArray>(std::move(array), std::move(facts));
  open->is_new_ = open->facts_changed_ = true;
  open->is_temporary_ = is_temporary;
  const ArrayInfo& info = open->array().info();
  if (info.chunk.empty()) open->unwritten_ = std::make_unique<Unwritten>(info.shape);
  return open;
}

OpenArray::~OpenArray() { Flush(); }

Status OpenArray::TakeChunks(const OpenArray& from, const Box& box) {
  const auto lock = LockForUpdate();
  return writable_->TakeChunks(from.array(), box);
}

NamedValues OpenArray::attributes() {
  const auto lock = LockForUpdate();
  return facts_.attributes;
}

Status OpenArray::SetAttribute(const std::string& name, nlohmann::json value) {
  const auto lock = LockForUpdate();
  if (is_new_) {
    SetValue(EditFacts().attributes, name, std::move(value));
    return {};
  }
  Status status = StoreAttribute(name, &value, *writable_);
  if (status.ok()) SetValue(facts_.attributes, name, std::move(value));
  return status;
}

Status OpenArray::RemoveAttribute(const std::string& name) {
  const auto lock = LockForUpdate();
  if (is_new_) {
    RemoveValue(EditFacts().attributes, name);
    return {};
  }
  Status status = StoreAttribute(name, nullptr, *writable_);
  if (status.ok()) RemoveValue(facts_.attributes, name);
  return status;
}

Status OpenArray::Read(const ElementWindow& window, const GDALExtendedDataType& buffer_type,
                       void* buffer) {
  const auto lock = LockForUpdate();
  if (unwritten_ != nullptr) {
    const Status status = unwritten_->Settle(*writable_);
    if (!status.ok()) return status;
  }
  return ReadElements(*array_, element_, window, buffer_type, buffer);
}

Status OpenArray::Write(const ElementWindow& window, const GDALExtendedDataType& buffer_type,
                        const void* buffer) {
  const auto lock = LockForUpdate();
  if (unwritten_ != nullptr) {
    const Status status = unwritten_->NoteWrite(window, *writable_);
    if (!status.ok()) return status;
  }
  return WriteElements(*writable_, element_, window, buffer_type, buffer);
}

Status OpenArray::FillUnwritten(const std::vector<std::byte>& element) {
  const auto lock = LockForUpdate();
  const ElementPart& part = element_.parts[0];
  std::vector<std::byte> stored = element;
  if (part.is_widened) {
    stored.resize(SizeBytes(part.stored));
    Narrow(part.stored, element.data(), stored.data());
  }
  if (unwritten_ != nullptr) {
    unwritten_->Take(std::move(stored));
    return is_temporary_ ? Status() : unwritten_->Settle(*writable_);
  }
  const Box all{AxisVector(array_->info().shape.size(), 0), array_->info().shape};
  return writable_->Fill(all, stored.data());
}

CPLErr OpenArray::Flush() {
  if (!is_writable()) return CE_None;
  return Guarded(CE_Failure, [&] {
    const auto lock = LockForUpdate();
    Status status;
    if (unwritten_ != nullptr) status = unwritten_->Settle(*writable_);
    CPLErr result = Report(status);
    if (facts_changed_) {
      const CPLErr stored = Report(StoreArrayFacts(facts_, element_, *writable_));
      if (result == CE_None) result = stored;
    }
    facts_changed_ = false;
    const CPLErr flushed = Report(writable_->Flush());  // pixels in any case
    return result == CE_None ? flushed : result;
  });
}

}  // namespace ndarray

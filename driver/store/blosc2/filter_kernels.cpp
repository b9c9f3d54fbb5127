#include "driver/store/blosc2/filter_kernels.h"

#include <atomic>
#include <cstdlib>

#include "driver/store/blosc2/filter_kernel_table.h"

namespace ndarray {
namespace {

const std::vector<const FilterKernels*>& AllKernels() {
  static const std::vector<const FilterKernels*> all = [] {
    std::vector<const FilterKernels*> kernels = VectorFilterKernels();
    kernels.push_back(&kScalarFilterKernels);
    return kernels;
  }();
  return all;
}

// nullptr: there is none of that name.
const FilterKernels* Find(const std::string& name) {
  for (const FilterKernels* kernels : AllKernels()) {
    if (name == kernels->name) return kernels;
  }
  return nullptr;
}

std::atomic<const FilterKernels*>& Chosen() {
  static std::atomic<const FilterKernels*> chosen = [] {
    const char* const name = std::getenv("NDARRAY_SIMD");
    const FilterKernels* const named = name ? Find(name) : nullptr;
    return named ? named : AllKernels().front();
  }();
  return chosen;
}

const FilterKernels& Kernels() { return *Chosen().load(std::memory_order_relaxed); }

// Runs that follow each other without a gap on both sides are one; no elements are no runs. Rows
// are copied only then: a copy would wait for the caller's stores, also those of elements before.
void Run(FilterKernels::OfRows kernel, const std::byte* planes, size_t elements,
         size_t element_bytes, const FilterRows& rows) {
  if (rows.rows == 0 || rows.count == 0) return;
  const auto run_bytes = static_cast<std::ptrdiff_t>(rows.count * element_bytes);
  if (rows.rows == 1 || rows.count != rows.step || rows.to_step_bytes != run_bytes) {
    kernel(planes, elements, element_bytes, rows);
    return;
  }
  const size_t count = rows.rows * rows.count;
  kernel(planes, elements, element_bytes, {rows.first, count, count, 1, rows.to, 0});
}

}  // namespace

void Unshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
               const FilterRows& rows) {
  Run(Kernels().unshuffle, planes, elements, element_bytes, rows);
}

void UndeltaUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                      const FilterRows& rows) {
  Run(Kernels().undelta_unshuffle, planes, elements, element_bytes, rows);
}

void BitUnshuffle(const std::byte* planes, size_t elements, size_t element_bytes,
                  const FilterRows& rows) {
  Run(Kernels().bit_unshuffle, planes, elements, element_bytes, rows);
}

void Undelta(std::byte* planes, size_t plane_bytes, size_t streams) {
  Kernels().undelta(planes, plane_bytes, streams);
}

std::vector<std::string> FilterTargets() {
  std::vector<std::string> names;
  for (const FilterKernels* kernels : AllKernels()) names.emplace_back(kernels->name);
  return names;
}

std::string FilterTarget() { return Kernels().name; }

bool UseFilterTarget(const std::string& name) {
  const FilterKernels* const kernels = Find(name);
  if (kernels) Chosen().store(kernels, std::memory_order_relaxed);
  return kernels != nullptr;
}

}  // namespace ndarray

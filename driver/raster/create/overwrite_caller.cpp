// Who deletes a file, by the names on the call stack.

#include <dlfcn.h>
#include <gdal.h>
#include <unwind.h>

#include <cstdint>
#include <cstring>

#include "driver/raster/create/overwrite.h"

namespace ndarray {
namespace {

// Where on this thread's stack its innermost Create or CreateCopy is.
thread_local const void* innermost_writer = nullptr;

bool Names(const char* symbol, const char* what) { return std::strstr(symbol, what) != nullptr; }

const void* LibraryOf(const void* address) {
  Dl_info found;
  return dladdr(address, &found) != 0 ? found.dli_fbase : nullptr;
}

struct Walk {
  static constexpr int kMaxFrames = 16;

  int frames = 0;
  bool is_overwriting = false;
};

// Delete <- GDALDriver::Delete <- GDALDriver::QuietDelete <- the caller: some of these frames are
// jumps that leave no trace, and some of GDAL's functions have no name. The first frame that is
// none of Delete's own decides.
_Unwind_Reason_Code LookAtFrame(_Unwind_Context* context, void* data) {
  Walk& walk = *static_cast<Walk*>(data);
  if (++walk.frames > Walk::kMaxFrames) return _URC_END_OF_STACK;
  // The stack grows downwards: from there on it is GDAL that called the writer.
  if (innermost_writer != nullptr &&
      _Unwind_GetCFA(context) > reinterpret_cast<uintptr_t>(innermost_writer)) {
    return _URC_END_OF_STACK;
  }
  Dl_info symbol;
  if (dladdr(reinterpret_cast<const void*>(_Unwind_GetIP(context)), &symbol) == 0) {
    return _URC_END_OF_STACK;
  }
  static const void* const own = LibraryOf(reinterpret_cast<const void*>(&LookAtFrame));
  static const void* const gdal = LibraryOf(reinterpret_cast<const void*>(&GDALIdentifyDriver));
  if (symbol.dli_fbase == own) return _URC_NO_REASON;
  if (symbol.dli_sname == nullptr) {
    return symbol.dli_fbase == gdal ? _URC_NO_REASON : _URC_END_OF_STACK;
  }
  if (Names(symbol.dli_sname, "GDALDriver6Delete")) return _URC_NO_REASON;
  for (const char* const name : {"GDALDriver11QuietDelete", "GDALDriver24QuietDeleteForCreateCopy",
                                 "GDALDriver6Create", "GDALDriver10CreateCopy"}) {
    if (Names(symbol.dli_sname, name)) walk.is_overwriting = true;
  }
  return _URC_END_OF_STACK;
}

}  // namespace

WritingMark::WritingMark() : outer_(innermost_writer) {
  innermost_writer = __builtin_frame_address(0);
}

WritingMark::~WritingMark() { innermost_writer = outer_; }

bool IsDeletingToOverwrite() {
  Walk walk;
  _Unwind_Backtrace(LookAtFrame, &walk);
  return walk.is_overwriting;
}

}  // namespace ndarray

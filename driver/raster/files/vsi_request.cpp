#include "driver/raster/files/vsi_request.h"

#include <cpl_error.h>
#include <cpl_vsi.h>

#include <cctype>
#include <cstdlib>

#include "driver/raster/gdal_error.h"

namespace ndarray {
namespace {

// The status in any of the forms in which GDAL's versions say it; 0: no answer, or not said.
int HttpStatus(const std::string& said) {
  const auto number_at = [&said](size_t at) {
    const int number = std::atoi(said.c_str() + at);
    return number >= 100 && number < 600 ? number : 0;
  };
  for (const char* const before : {"response_code=", "HTTP error code : ", "HTTP error code: ",
                                   "HTTP response code: ", "HTTP response code on "}) {
    const std::string words = before;
    const size_t at = said.find(words);
    if (at != std::string::npos) {
      if (const int status = number_at(at + words.size())) return status;
      const size_t colon = said.rfind(": ");  // "... code on URL: 404"
      if (colon != std::string::npos) return number_at(colon + 2);
    }
  }
  // "404: ..."
  const bool leads = said.size() > 3 && said[3] == ':' && std::isdigit(said[0]) != 0;
  return leads ? number_at(0) : 0;
}

const char* WhatToDo(int status) {
  switch (status) {
    case 200:
      return "the server does not send parts of files: download it";
    case 401:
    case 403:
      return "check the credentials";
    case 404:
    case 410:
      return "the file is no longer there";
    case 416:
      return "the file has become shorter: open it again";
    default:
      return "try again; GDAL_HTTP_MAX_RETRY=3 makes GDAL do that, GDAL_HTTP_TIMEOUT=60 gives it "
             "time";
  }
}

}  // namespace

bool IsRemotePath(const std::string& path) {
  for (size_t at = 0; (at = path.find("/vsi", at)) != std::string::npos; ++at) {
    if (!VSIIsLocal(path.c_str() + at)) return true;
  }
  return false;
}

ErrorCollector::ErrorCollector() {
  CPLPushErrorHandlerEx(Take, this);
  CPLSetCurrentErrorHandlerCatchDebug(FALSE);
}

ErrorCollector::~ErrorCollector() {
  CPLPopErrorHandler();
  for (const std::string& warning : warnings_) ReportWarning(warning);
}

void CPL_STDCALL ErrorCollector::Take(CPLErr kind, CPLErrorNum, const char* text) {
  auto& collector = *static_cast<ErrorCollector*>(CPLGetErrorHandlerUserData());
  if (kind == CE_Warning) {
    collector.warnings_.emplace_back(text);
  } else {
    collector.last_ = text;
  }
}

std::string ExplainHttpFailure(const std::string& said) {
  const int status = HttpStatus(said);
  std::string text = status == 0 ? "no answer over HTTP" : "HTTP status " + std::to_string(status);
  if (!said.empty()) text += " (" + said + ")";
  return text + "; " + WhatToDo(status);
}

}  // namespace ndarray

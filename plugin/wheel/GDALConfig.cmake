# For find_package(GDAL): a release of which there are only the headers, in the folder NDARRAY_GDAL_HEADERS.
# The plugin is linked with an empty library in place of libgdal, under a name that stands for whatever
# libgdal a process has: gdal_ndarray/_plugin.py of the Python package puts another name there.
set(GDAL_VERSION "")
foreach(part MAJOR MINOR REV)
  file(STRINGS "${NDARRAY_GDAL_HEADERS}/gdal_version.h" line REGEX "define GDAL_VERSION_${part} ")
  string(REGEX MATCH "[0-9]+$" number "${line}")
  if(number STREQUAL "")
    message(FATAL_ERROR "no GDAL_VERSION_${part} in \"${NDARRAY_GDAL_HEADERS}/gdal_version.h\"")
  endif()
  list(APPEND GDAL_VERSION ${number})
endforeach()
list(JOIN GDAL_VERSION "." GDAL_VERSION)

file(WRITE ${CMAKE_BINARY_DIR}/gdal_stub.cpp "")
add_library(ndarray_gdal_stub SHARED ${CMAKE_BINARY_DIR}/gdal_stub.cpp)
set_target_properties(ndarray_gdal_stub PROPERTIES NO_SONAME ON)
target_link_options(ndarray_gdal_stub PRIVATE -nostdlib LINKER:-soname,libgdal-ndarray-0000000000000000.so)
add_library(GDAL::GDAL INTERFACE IMPORTED)
target_include_directories(GDAL::GDAL SYSTEM INTERFACE "${NDARRAY_GDAL_HEADERS}")
target_link_options(GDAL::GDAL INTERFACE LINKER:--no-as-needed)
target_link_libraries(GDAL::GDAL INTERFACE ndarray_gdal_stub)

// Text out of files, made fit for messages and metadata.
#ifndef GDAL_NDARRAY_STORE_TEXT_H_
#define GDAL_NDARRAY_STORE_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

namespace ndarray {

bool IsUtf8(std::string_view text);

// The same where it is UTF-8 without control characters; others become '?', and so does all that is
// not ASCII in text that is not UTF-8.
std::string Printable(std::string_view text);

// Printable, and cut between two characters if it is long.
std::string Excerpt(std::string_view text);

// Bytes that are to be a name of their own: as they are where they are UTF-8, else each as the
// character of its number (Latin-1).
std::string Utf8OfBytes(std::string_view bytes);

// "'a', 'b' or one of 17 more", for messages.
std::string ListForPeople(const std::vector<std::string>& names);

// Bytes as a literal of Python has them: those that are not printable ASCII as \\xNN.
std::string EscapedBytes(std::string_view bytes);

// As printf's "%.*g" has it in the C locale, whatever the process's is.
std::string NumberText(double value, int digits);

}  // namespace ndarray

#endif  // GDAL_NDARRAY_STORE_TEXT_H_

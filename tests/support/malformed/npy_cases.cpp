#include <utility>

#include "tests/support/malformed/malformed_file.h"
#include "tests/support/npy_files.h"

namespace ndarray::testing {
namespace {

const std::string& Data() {
  static const auto* const data = new std::string(60, 'd');
  return *data;
}

MalformedFile File(const std::string& name, std::string bytes, const std::string& message) {
  return {"npy_" + name, std::move(bytes), Finder::kOpening, message};
}
MalformedFile Text(const std::string& name, const std::string& text, const std::string& message) {
  return File("literal_" + name, NpyBytes(1, text, Data()), message);
}
MalformedFile Descr(const std::string& name, const std::string& descr, const std::string& message) {
  return File("descr_" + name, NpyBytes(1, HeaderText(descr, "(5, 6)"), Data()), message);
}
MalformedFile Order(const std::string& name, const std::string& order, const std::string& message) {
  return File("order_" + name, NpyBytes(1, HeaderText("'<u2'", "(5, 6)", order), Data()), message);
}
MalformedFile Shape(const std::string& name, const std::string& shape, const std::string& message) {
  return File("shape_" + name, NpyBytes(1, HeaderText("'<u2'", shape), Data()), message);
}

std::vector<MalformedFile> Starts() {
  const std::string header = HeaderText("'<u2'", "(5, 6)");
  const std::string good = NpyBytes(1, header, Data());
  return {
      File("cut_in_magic", good.substr(0, 3), "cut short: 3 of at least 8 bytes; copy it again"),
      File("cut_after_magic", good.substr(0, 6), "cut short: 6 of at least 8 bytes; copy it again"),
      File("cut_after_version", good.substr(0, 8),
           "cut short: 8 of at least 10 bytes; copy it again"),
      File("cut_in_length", good.substr(0, 9), "cut short: 9 of at least 10 bytes; copy it again"),
      File("cut_in_long_length", NpyBytes(2, header).substr(0, 11),
           "cut short: 11 of at least 12 bytes; copy it again"),
      File("cut_before_header", good.substr(0, 10),
           "cut short: 10 of at least 70 bytes; copy it again"),
      File("cut_in_header", good.substr(0, 40),
           "cut short: 40 of at least 70 bytes; copy it again"),
      File("cut_before_data", NpyBytes(1, header),
           "cut short: 70 of 130 bytes; copy it again (shape (5, 6))"),
      File("cut_in_data", good.substr(0, good.size() - 1),
           "cut short: 129 of 130 bytes; copy it again (shape (5, 6))"),
      File("magic_of_another", Put(good, 1, "NUMPX"),
           "is not a .npy file: found bytes \\x93NUMPX, wanted \\x93NUMPY"),
      File("version_0", NpyBytes(0, header, Data()), "version: found 0.0, wanted 1.0, 2.0 or 3.0"),
      File("version_1_1", Put(good, 7, "\x01"), "version: found 1.1, wanted 1.0, 2.0 or 3.0"),
      File("version_4", NpyBytes(4, header, Data()), "version: found 4.0, wanted 1.0, 2.0 or 3.0"),
      File("version_255", Put(good, 6, "\xff\xff"),
           "version: found 255.255, wanted 1.0, 2.0 or 3.0"),
      File("length_0", NpyBytes(1, header, Data(), 0),
           "header literal: found the end, wanted a Python literal"),
      File("length_1", NpyBytes(1, header, Data(), 1),
           "header literal: found the end, wanted a Python literal"),
      File("length_less_two", NpyBytes(1, header, Data(), static_cast<int>(header.size()) - 4),
           "header literal: found the end, wanted ',' or '}'"),
      File("length_past_file", NpyBytes(1, header, Data(), 0xFFFF),
           "cut short: 130 of at least 65545 bytes; copy it again"),
      File("length_above_4_mib", NpyBytes(2, header, Data(), (4 << 20) + 1),
           "header length: found 4194305 bytes, wanted at most 4194304"),
      File("length_max", NpyBytes(3, header, Data(), 0xFFFFFFFF),
           "header length: found 4294967295 bytes, wanted at most 4194304"),
      File("not_utf8", NpyBytes(3, HeaderText("[('\xff', 'u2')]", "(5, 6)"), Data()),
           "header text: found other bytes, wanted UTF-8 in version 3"),
      File("half_a_character", NpyBytes(3, header + "\xc3", Data()),
           "header text: found other bytes, wanted UTF-8 in version 3"),
  };
}

std::vector<MalformedFile> Literals() {
  const std::string rest = "'fortran_order': False, 'shape': (5, 6)}";
  return {
      Text("empty", "", "header literal: found the end, wanted a Python literal"),
      Text("spaces", "      \n", "header literal: found the end, wanted a Python literal"),
      Text("comment", "# nothing\n", "header literal: found the end, wanted a Python literal"),
      Text("nul", std::string("\0{}", 3),
           "header literal: found '?{}' at byte 0, wanted a Python literal"),
      Text("list", "[1, 2]", "header literal: found [1, 2], wanted a dict"),
      Text("tuple", "(1, 2)", "header literal: found (1, 2), wanted a dict"),
      Text("number", "17", "header literal: found 17, wanted a dict"),
      Text("text", "'descr'", "header literal: found 'descr', wanted a dict"),
      Text("none", "None", "header literal: found None, wanted a dict"),
      Text("set", "{1, 2}",
           "header literal: found ', 2}' at byte 2, wanted a string as key before it"),
      Text("name", "descr", "header literal: found 'descr' at byte 0, wanted a Python literal"),
      Text("call", "{'descr': exit(1), " + rest,
           "header literal: found 'exit(1), 'fortran_order'' at byte 10, wanted a Python literal"),
      Text("import", "__import__('os')",
           "header literal: found '__import__('os')' at byte 0, wanted a Python literal"),
      Text("lambda", "lambda: 0",
           "header literal: found 'lambda: 0' at byte 0, wanted a Python literal"),
      Text("sum", "{'descr': '<u' + '2', " + rest,
           "header literal: found '+ '2', 'fortran_order': ' at byte 15, wanted ',' or '}'"),
      Text("formatted_text", "{'descr': f'<u2', " + rest,
           "header literal: found 'f'<u2', 'fortran_order':' at byte 10, wanted a Python literal"),
      Text("float", "{'descr': 1.5, " + rest,
           "header literal: found '.5, 'fortran_order': Fal' at byte 11, wanted ',' or '}'"),
      Text("complex", "{'descr': 2j, " + rest,
           "header literal: found 'j, 'fortran_order': Fals' at byte 11, wanted ',' or '}'"),
      Text("ellipsis", "{'descr': ..., " + rest,
           "header literal: found '..., 'fortran_order': Fa' at byte 10, wanted a Python literal"),
      Text("open_dict", "{'descr': '<u2', ",
           "header literal: found the end, wanted a Python literal"),
      Text("open_text", "{'descr': '<u2", "header literal: found the end, wanted a closing quote"),
      Text("open_triple_text", "{'descr': '''<u2', " + rest,
           "header literal: found the end, wanted a closing quote"),
      Text("open_tuple", "{'descr': '<u2', 'fortran_order': False, 'shape': (5, 6",
           "header literal: found the end, wanted ',' or a closing bracket"),
      Text("wrong_bracket", "{'descr': '<u2', 'fortran_order': False, 'shape': (5, 6]}",
           "header literal: found ']}' at byte 55, wanted ',' or a closing bracket"),
      Text("no_colon", "{'descr' '<u2', " + rest,
           "header literal: found ', 'fortran_order': False' at byte 14, wanted ':'"),
      Text("no_value", "{'descr': , " + rest,
           "header literal: found ', 'fortran_order': False' at byte 10, wanted a Python literal"),
      Text("no_comma", "{'descr': '<u2' " + rest,
           "header literal: found ': False, 'shape': (5, 6)' at byte 31, wanted ',' or '}'"),
      Text("two_commas", "{'descr': '<u2',, " + rest,
           "header literal: found ', 'fortran_order': False' at byte 16, wanted a Python literal"),
      Text("key_of_number", "{1: 2, 'descr': '<u2', " + rest,
           "header literal: found ': 2, 'descr': '<u2', 'fo' at byte 2, wanted a string as key "
           "before it"),
      Text("key_of_tuple", "{(1,): 2}",
           "header literal: found ': 2}' at byte 5, wanted a string as key before it"),
      Text("after", HeaderText("'<u2'", "(5, 6)") + "; import os",
           "header literal: found '; import os' at byte 60, wanted the end of the literal"),
      Text("twice", "{} {}", "header literal: found '{}' at byte 3, wanted the end of the literal"),
      Text("bad_escape", "{'descr': '\\xZZ', " + rest,
           "header literal: found 'ZZ', 'fortran_order': Fa' at byte 13, wanted hexadecimal digits "
           "of a character"),
      Text("bad_unicode", "{'descr': '\\N{SNOWMAN}', " + rest,
           "header literal: found '{SNOWMAN}', 'fortran_ord' at byte 13, wanted a known escape "
           "before it"),
      Text("deep", std::string(100, '(') + std::string(100, ')'),
           "header literal: found '((((((((((((((((((((((((' at byte 33, wanted at most 32 levels "
           "of nesting"),
      Text("number_of_300_digits", "{'descr': " + std::string(300, '9') + ", " + rest,
           "header literal: found '999999999999999999999999' at byte 10, wanted an integer below "
           "2^63"),
      Text("keys_none", "{}",
           "header keys: found none, wanted 'descr', 'fortran_order' and 'shape'"),
      Text("keys_without_descr", "{" + rest,
           "header keys: found only 'fortran_order' 'shape', wanted 'descr', 'fortran_order' and "
           "'shape'"),
      Text("keys_without_order", "{'descr': '<u2', 'shape': (5, 6)}",
           "header keys: found only 'descr' 'shape', wanted 'descr', 'fortran_order' and 'shape'"),
      Text("keys_without_shape", "{'descr': '<u2', 'fortran_order': False}",
           "header keys: found only 'descr' 'fortran_order', wanted 'descr', 'fortran_order' and "
           "'shape'"),
      Text("keys_in_capitals", "{'DESCR': '<u2', " + rest,
           "header key: found 'DESCR', wanted 'descr', 'fortran_order' and 'shape' alone"),
      Text("keys_unknown", "{'descr': '<u2', 'colour': 1, " + rest,
           "header key: found 'colour', wanted 'descr', 'fortran_order' and 'shape' alone"),
  };
}

std::vector<MalformedFile> Descrs() {
  return {
      Descr("number", "5", "descr: found 5, wanted a type string or a list of fields"),
      Descr("none", "None", "descr: found None, wanted a type string or a list of fields"),
      Descr("true", "True", "descr: found True, wanted a type string or a list of fields"),
      Descr("tuple", "('<u2',)", "descr: found ('<u2',), wanted a type string or a list of fields"),
      Descr("dict", "{'names': ['a'], 'formats': ['<u2']}",
            "descr: found {'names': ['a'], 'formats': ['<u2']}, wanted a type string or a list of "
            "fields"),
      Descr("empty", "''",
            "dtype: found '', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("order", "'<'",
            "dtype: found '<', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("two_orders", "'<>u2'",
            "dtype: found '<>u2', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("unknown_letter", "'<z2'",
            "dtype: found '<z2', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("unknown_size", "'<u3'",
            "dtype: found '<u3', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("size_0", "'<u0'",
            "dtype: found '<u0', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("size_max", "'<u99999999999999999999'",
            "dtype: found '<u99999999999999999999', wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or"),
      Descr("unknown_name", "'uint17'",
            "dtype: found 'uint17', wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("long", "'" + std::string(5000, 'u') + "'",
            "dtype: found 'uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu...', "
            "wanted a bool, (u)int8 to"),
      Descr("object", "'|O'",
            "dtype: found '|O' (Python objects), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128"),
      Descr("text", "'<U5'",
            "dtype: found '<U5' (text), wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("bytes", "'|S5'",
            "dtype: found '|S5' (bytes), wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("old_bytes", "'a5'",
            "dtype: found 'a5' (bytes), wanted a bool, (u)int8 to (u)int64, float16 to float64 or "
            "complex64/128 dtype"),
      Descr("time", "'<M8[ns]'",
            "dtype: found '<M8[ns]' (times), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128 dtype"),
      Descr("duration", "'<m8[s]'",
            "dtype: found '<m8[s]' (durations), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128"),
      Descr("void", "'|V4'",
            "dtype: found '|V4' (raw bytes), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128 dtype"),
      Descr("long_double", "'<f16'",
            "dtype: found '<f16' (long double), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128"),
      Descr("complex_long_double", "'<c32'",
            "dtype: found '<c32' (long double), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128"),
      Descr("subarray", "('<u2', (2,))",
            "descr: found ('<u2', (2,)), wanted elements that are no arrays themselves"),
      Descr(
          "comma_open", "'u1,(2,u1'",
          "descr: found 'u1,(2,u1', wanted types with commas between them, such as 'f4, (2,3)u1'"),
      Descr("comma_alone", "','",
            "descr: found ',', wanted types with commas between them, such as 'f4, (2,3)u1'"),
      Descr("comma_of_text", "'u1,U5'",
            "field 'f1': dtype: found 'U5' (text), wanted a bool, (u)int8 to (u)int64, float16 to "
            "float64 or complex64/128"),
      Descr("record_empty", "[]", "descr: found a record without fields, wanted at least one"),
      Descr("record_of_text", "['<u2']",
            "descr: found '<u2', wanted a field as (name, type) or (name, type, shape)"),
      Descr("record_of_numbers", "[5]",
            "descr: found 5, wanted a field as (name, type) or (name, type, shape)"),
      Descr("record_of_one", "[('a',)]",
            "descr: found ('a',), wanted a field as (name, type) or (name, type, shape)"),
      Descr("record_of_four", "[('a', '<u2', (1,), 4)]",
            "descr: found ('a', '<u2', (1,), 4), wanted a field as (name, type) or (name, type, "
            "shape)"),
      Descr("record_name_number", "[(5, '<u2')]", "descr: found (5, '<u2'), wanted a field name"),
      Descr("record_field_text", "[('a', '<u2'), ('name', '<U5')]",
            "field 'name': dtype: found '<U5' (text), wanted a bool, (u)int8 to (u)int64, float16 "
            "to float64 or"),
      Descr("record_field_object", "[('a', '|O')]",
            "field 'a': dtype: found '|O' (Python objects), wanted a bool, (u)int8 to (u)int64, "
            "float16 to float64 or"),
      Descr("record_shape_0", "[('a', '<u2', (0,))]",
            "descr: found (0,), wanted a field shape of 1 to 65536 elements"),
      Descr("record_shape_negative", "[('a', '<u2', (-2,))]",
            "descr: found (-2,), wanted a field shape of integers, none negative"),
      Descr("record_shape_text", "[('a', '<u2', 'x')]",
            "descr: found 'x', wanted a field shape of integers, none negative"),
      Descr(
          "record_shape_overflows", "[('a', 'u1', (4294967296, 4294967296, 4))]",
          "descr: found (4294967296, 4294967296, 4), wanted a field shape of 1 to 65536 elements"),
      Descr("record_padding_alone", "[('', '|V4')]",
            "descr: found only padding, wanted a numeric field"),
      Descr("record_padding_max", "[('a', 'u1'), ('', '|V2147483648')]",
            "descr: found 2 GiB or more, wanted smaller records"),
      Descr("record_padding_odd", "[('a', 'u1'), ('', '|Vx')]",
            "descr: found padding '|Vx', wanted |V<n>"),
      Descr("record_of_65537", "[('a', 'u1', (65537,))]",
            "descr: found (65537,), wanted a field shape of 1 to 65536 elements"),
      Descr("record_of_2_gib", "[('a', [('', '|V1073741824'), ('b', 'u1')], (2,))]",
            "descr: found 2 GiB or more, wanted smaller records"),
      Descr("record_of_2_62", "[('a', [('b', [('c', 'u1', (46341,))], (46341,))], (2147483647,))]",
            "descr: found (2147483647,), wanted a field shape of 1 to 65536 elements"),
  };
}

std::vector<MalformedFile> Shapes() {
  std::string ones;
  for (int axis = 0; axis < 65; ++axis) ones += "1,";
  return {
      Order("0", "0", "fortran_order: found 0, wanted True or False"),
      Order("text", "'False'", "fortran_order: found 'False', wanted True or False"),
      Order("none", "None", "fortran_order: found None, wanted True or False"),
      Order("list", "[]", "fortran_order: found [], wanted True or False"),
      Shape("none", "()", "shape: found (), wanted at least one axis"),
      Shape("nothing", "None", "shape: found None, wanted a tuple"),
      Shape("number", "30", "shape: found 30, wanted a tuple"),
      Shape("text", "'5, 6'", "shape: found '5, 6', wanted a tuple"),
      Shape("list", "[5, 6]", "shape: found [5, 6], wanted a tuple"),
      Shape("of_text", "('5', 6)", "shape: found ('5', 6), wanted integers that are not negative"),
      Shape("of_float", "(5.0, 6)",
            "header literal: found '.0, 6), }?' at byte 52, wanted ',' or a closing bracket"),
      Shape("of_true", "(True, 6)",
            "shape: found (True, 6), wanted integers that are not negative"),
      Shape("of_tuples", "((5, 6),)",
            "shape: found ((5, 6),), wanted integers that are not negative"),
      Shape("zero", "(5, 0)", "shape: found (5, 0), wanted no axis of size 0"),
      Shape("negative", "(-5, 6)", "shape: found (-5, 6), wanted integers that are not negative"),
      Shape("beyond_int64", "(9223372036854775808, 6)",
            "header literal: found '9223372036854775808, 6),' at byte 51, wanted an integer below "
            "2^63"),
      Shape("max", "(9223372036854775807,)",
            "shape: found (9223372036854775807,), wanted less than 2^63 bytes in all"),
      Shape("overflows", "(4294967296, 4294967296)",
            "shape: found (4294967296, 4294967296), wanted less than 2^63 bytes in all"),
      Shape("overflows_by_element", "(4611686018427387904,)",
            "shape: found (4611686018427387904,), wanted less than 2^63 bytes in all"),
      Shape("of_65_axes", "(" + ones + ")", "shape: found 65 axes, wanted at most 64"),
      Shape("of_10_000_000_bands", "(10000000, 1, 1)",
            "cut short: 140 of 20000080 bytes; copy it again (shape (10000000, 1, 1))"),
      Shape("of_more_than_the_file", "(50000, 60000)",
            "cut short: 138 of 6000000078 bytes; copy it again (shape (50000, 60000))"),
      Shape("of_a_long_line", "(1, 2147483648)",
            "cut short: 139 of 4294967375 bytes; copy it again (shape (1, 2147483648))"),
      File("data_of_bool_cut", NpyBytes(1, HeaderText("'|b1'", "(61,)"), Data()),
           "cut short: 129 of 130 bytes; copy it again (shape (61,))"),
      File("data_of_float64_cut", NpyBytes(1, HeaderText("'<f8'", "(8,)"), Data()),
           "cut short: 128 of 132 bytes; copy it again (shape (8,))"),
      File("data_of_complex_cut", NpyBytes(1, HeaderText("'>c16'", "(2, 2)"), Data()),
           "cut short: 131 of 135 bytes; copy it again (shape (2, 2))"),
      File("data_of_record_cut",
           NpyBytes(1, HeaderText("[('a', 'u1'), ('b', '<f4')]", "(13,)"), Data()),
           "cut short: 151 of 156 bytes; copy it again (shape (13,))"),
      File("data_of_fortran_cut", NpyBytes(1, HeaderText("'<u2'", "(31,)", "True"), Data()),
           "cut short: 128 of 130 bytes; copy it again (shape (31,))"),
  };
}

}  // namespace

std::vector<MalformedFile> MalformedNpyFiles() {
  std::vector<MalformedFile> files = Starts();
  for (auto more : {Literals, Descrs, Shapes}) {
    for (MalformedFile& file : more()) files.push_back(std::move(file));
  }
  return files;
}

}  // namespace ndarray::testing

#include "native/format/gguf.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <limits>

#include "native/base/error.h"
#include "native/format/json.h"

namespace faultline::format {
namespace {

using tensor::DType;
using tensor::Shape;
using tensor::TensorView;

static_assert(std::endian::native == std::endian::little, "GGUF is read as little-endian, and views read it in place");

constexpr std::string_view kMagic = "GGUF";
constexpr std::uint32_t kOldest = 2;  // version 1 had lengths of 32 bits, and was gone within weeks
constexpr std::uint32_t kNewest = 3;
constexpr std::size_t kMostDimensions = 4;  // ggml's own
/// Arrays within arrays; the format sets no limit, and files in the wild have none at all.
constexpr int kMostDepth = 8;
constexpr std::size_t kDefaultAlignment = 32;
constexpr const char* kAlignmentKey = "general.alignment";

// Longest names, as the format has them.
constexpr std::uint64_t kMostKeyBytes = 65'535;
constexpr std::uint64_t kMostNameBytes = 64;

// The fewest bytes of an entry: what a count must have in the file.
constexpr std::uint64_t kLeastMetadataBytes = 8 + 4 + 1;
constexpr std::uint64_t kLeastTensorBytes = 8 + 4 + 4 + 8;

/// Bytes of each type's value; 0 for those of no fixed size.
constexpr std::array<std::size_t, 13> kValueBytes = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

/// ggml's tensor types. Those that are not read are here to be named in the error.
struct TensorTypeRow {
  std::uint32_t id;
  const char* name;
  std::optional<DType> dtype;
};
constexpr TensorTypeRow kTensorTypes[] = {
    {0, "F32", DType::f32},        {1, "F16", DType::f16},       {30, "BF16", DType::bf16},
    {8, "Q8_0", DType::q8_0},      {2, "Q4_0", std::nullopt},    {3, "Q4_1", std::nullopt},
    {6, "Q5_0", std::nullopt},     {7, "Q5_1", std::nullopt},    {9, "Q8_1", std::nullopt},
    {10, "Q2_K", std::nullopt},    {11, "Q3_K", std::nullopt},   {12, "Q4_K", std::nullopt},
    {13, "Q5_K", std::nullopt},    {14, "Q6_K", std::nullopt},   {15, "Q8_K", std::nullopt},
    {16, "IQ2_XXS", std::nullopt}, {17, "IQ2_XS", std::nullopt}, {18, "IQ3_XXS", std::nullopt},
    {19, "IQ1_S", std::nullopt},   {20, "IQ4_NL", std::nullopt}, {21, "IQ3_S", std::nullopt},
    {22, "IQ2_S", std::nullopt},   {23, "IQ4_XS", std::nullopt}, {24, "I8", std::nullopt},
    {25, "I16", std::nullopt},     {26, "I32", std::nullopt},    {27, "I64", std::nullopt},
    {28, "F64", std::nullopt},     {29, "IQ1_M", std::nullopt},  {34, "TQ1_0", std::nullopt},
    {35, "TQ2_0", std::nullopt},   {39, "MXFP4", std::nullopt},
};

template <class T>
T load(const std::byte* p) {
  T value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

/// Reads forwards through a file. Every function checks what it takes against what is left before it takes it.
class Cursor {
 public:
  Cursor(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}

  std::size_t at() const { return at_; }
  std::size_t left() const { return bytes_.size() - at_; }
  const std::byte* here() const { return bytes_.data() + at_; }

  [[noreturn]] void refuse(std::size_t at, const std::string& reason, const std::string& hint = {}) const {
    refuse_file(path_, "byte " + std::to_string(at) + ": " + reason, hint);
  }

  /// Passes over `count` items of `size` bytes. The quotient is compared, because the product may overflow.
  void skip(std::uint64_t count, std::size_t size, const std::string& what) {
    if (count > left() / size)
      refuse(at_, what + " needs " + std::to_string(count) + (size == 1 ? "" : " x " + std::to_string(size)) +
                      " bytes, but the file has " + std::to_string(left()) + " left (is it truncated?)");
    at_ += static_cast<std::size_t>(count) * size;
  }

  template <class T>
  T take(const std::string& what) {
    const std::byte* const p = here();
    skip(sizeof(T), 1, what);
    return load<T>(p);
  }

  std::string_view string(const std::string& what, std::uint64_t most) {
    const auto length = take<std::uint64_t>(what);
    if (length > most)
      refuse(at_ - sizeof length,
             what + " is " + std::to_string(length) + " bytes long, more than " + std::to_string(most));
    const std::size_t begin = at_;
    skip(length, 1, what);
    const std::string_view text(reinterpret_cast<const char*>(bytes_.data()) + begin, at_ - begin);
    if (const auto bad = invalid_utf8(text)) refuse(begin + *bad, what + " is not valid UTF-8");
    return text;
  }

  /// A count of entries of `least` bytes or more each.
  std::uint64_t count(const std::string& what, std::uint64_t least, std::uint64_t room) {
    const std::size_t place = at_;
    const auto count = take<std::uint64_t>(what);
    if (count > room / least)
      refuse(place, what + " is " + std::to_string(count) + ", but the file's " + std::to_string(bytes_.size()) +
                        " bytes have no room for so many (is it truncated?)");
    return count;
  }

  GgufType type(const std::string& what) {
    const std::size_t place = at_;
    const auto number = take<std::uint32_t>(what);
    if (number >= kValueBytes.size()) refuse(place, what + " has the unknown type " + std::to_string(number));
    return static_cast<GgufType>(number);
  }

  /// Passes over a value and everything in it.
  void skip_value(GgufType type, const std::string& what, int depth) {
    switch (type) {
      case GgufType::string:
        (void)string(what, std::numeric_limits<std::uint64_t>::max());
        return;
      case GgufType::array:
        skip_array(what, depth + 1);
        return;
      case GgufType::boolean:
        skip_booleans(1, what);
        return;
      default:
        skip(kValueBytes[static_cast<std::size_t>(type)], 1, what);
    }
  }

 private:
  void skip_array(const std::string& what, int depth) {
    if (depth > kMostDepth) refuse(at_, what + " nests deeper than " + std::to_string(kMostDepth) + " arrays");
    const GgufType element = type(what);
    const auto count = take<std::uint64_t>(what);
    // An element of no fixed size takes eight bytes or more, so that a lie about their number ends with the file.
    if (element == GgufType::boolean) {
      skip_booleans(count, what);
    } else if (const std::size_t size = kValueBytes[static_cast<std::size_t>(element)]; size != 0) {
      skip(count, size, what);
    } else {
      for (std::uint64_t i = 0; i < count; ++i) skip_value(element, what, depth);
    }
  }

  void skip_booleans(std::uint64_t count, const std::string& what) {
    const std::size_t begin = at_;
    skip(count, 1, what);
    for (std::size_t i = begin; i < at_; ++i) {
      if (std::to_integer<unsigned>(bytes_[i]) > 1) refuse(i, what + " is neither false nor true");
    }
  }

  const std::string& path_;
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// The shape of the tensor whose number of dimensions comes next.
Shape read_shape(Cursor& cursor, const std::string& what) {
  const std::size_t place = cursor.at();
  const auto rank = cursor.take<std::uint32_t>(what);
  if (rank > kMostDimensions)
    cursor.refuse(place,
                  what + " has " + std::to_string(rank) + " dimensions, more than " + std::to_string(kMostDimensions));
  std::array<std::int64_t, kMostDimensions> dims{};
  for (std::uint32_t i = 0; i < rank; ++i) {
    const std::size_t dimension_at = cursor.at();
    const auto extent = cursor.take<std::uint64_t>(what);
    if (extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      cursor.refuse(dimension_at, what + " has a dimension of " + std::to_string(extent));
    dims[rank - 1 - i] = static_cast<std::int64_t>(extent);
  }
  try {
    return Shape(std::span<const std::int64_t>(dims.data(), rank));
  } catch (const base::Error& error) {
    cursor.refuse(place, what + ": " + error.what());
  }
}

DType read_dtype(Cursor& cursor, const std::string& what) {
  const std::size_t place = cursor.at();
  const auto id = cursor.take<std::uint32_t>(what);
  const auto* const row = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                       [&](const TensorTypeRow& candidate) { return candidate.id == id; });
  if (row == std::end(kTensorTypes) || !row->dtype)
    cursor.refuse(place,
                  what + " has the type " + std::to_string(id) +
                      (row == std::end(kTensorTypes) ? "" : std::string(" (") + row->name + ")") +
                      ", which is not read",
                  "F32, F16, BF16 and Q8_0 are read: convert the model to one of these.");
  return *row->dtype;
}

/// A description as it stands in the file, and where: offsets can be checked only once all descriptions are read.
struct Description {
  std::string_view name;
  DType dtype;
  Shape shape;
  std::uint64_t offset;
  std::size_t place;
};

Description read_description(Cursor& cursor) {
  const std::size_t place = cursor.at();
  const std::string_view name = cursor.string("a tensor's name", kMostNameBytes);
  const std::string what = "tensor " + json_quote(name);
  const Shape shape = read_shape(cursor, what);
  const DType dtype = read_dtype(cursor, what);
  const auto offset = cursor.take<std::uint64_t>(what);
  const auto block = static_cast<std::int64_t>(tensor::dtype_block(dtype));
  if (block > 1 && (shape.rank() == 0 || shape[shape.rank() - 1] % block != 0))
    cursor.refuse(place, what + " has shape " + shape.to_string() + ", but " + tensor::dtype_name(dtype) +
                             " comes in rows of whole blocks of " + std::to_string(block));
  return {name, dtype, shape, offset, place};
}

TensorEntry placed(const Cursor& cursor, const Description& tensor, std::span<const std::byte> data,
                   std::size_t alignment) {
  const std::string what = "tensor " + json_quote(tensor.name);
  if (tensor.offset % alignment != 0)
    cursor.refuse(tensor.place, what + " begins at byte " + std::to_string(tensor.offset) +
                                    " of the data, which is no multiple of the alignment " + std::to_string(alignment));
  // Division, because 2^62 elements of 4 bytes would overflow the product.
  const std::uint64_t blocks = static_cast<std::uint64_t>(tensor.shape.elements()) / tensor::dtype_block(tensor.dtype);
  const std::uint64_t size = tensor::dtype_size(tensor.dtype);
  if (tensor.offset > data.size() || blocks > (data.size() - tensor.offset) / size)
    cursor.refuse(tensor.place, what + " takes " + std::to_string(blocks) + " x " + std::to_string(size) +
                                    " bytes from byte " + std::to_string(tensor.offset) +
                                    " of the data, but the file has only " + std::to_string(data.size()) +
                                    " (is it truncated?)");
  const auto begin = static_cast<std::size_t>(tensor.offset);
  return {std::string(tensor.name), TensorView{tensor.dtype, tensor.shape, data.data() + begin}, begin,
          begin + static_cast<std::size_t>(blocks * size)};
}

void check_version(const Cursor& cursor, std::size_t place, std::uint32_t version) {
  if (version >= kOldest && version <= kNewest) return;
  const std::uint32_t swapped = version << 24 | (version & 0xFF00u) << 8 | (version >> 8 & 0xFF00u) | version >> 24;
  const bool big_endian = swapped >= kOldest && swapped <= kNewest;
  cursor.refuse(place,
                big_endian ? "the file is big-endian, which is not read"
                           : "has version " + std::to_string(version) + ", but versions 2 and 3 are read",
                "Convert the model again with a current converter, for little-endian machines.");
}

}  // namespace

const char* GgufValue::kind_name() const {
  switch (type_) {
    case GgufType::f32:
    case GgufType::f64:
      return "a number";
    case GgufType::boolean:
      return "a boolean";
    case GgufType::string:
      return "a string";
    case GgufType::array:
      return "an array";
    default:
      return "an integer";
  }
}

std::optional<std::int64_t> GgufValue::as_integer() const {
  switch (type_) {
    case GgufType::u8:
      return load<std::uint8_t>(data_);
    case GgufType::i8:
      return load<std::int8_t>(data_);
    case GgufType::u16:
      return load<std::uint16_t>(data_);
    case GgufType::i16:
      return load<std::int16_t>(data_);
    case GgufType::u32:
      return load<std::uint32_t>(data_);
    case GgufType::i32:
      return load<std::int32_t>(data_);
    case GgufType::i64:
      return load<std::int64_t>(data_);
    case GgufType::u64: {
      const auto value = load<std::uint64_t>(data_);
      if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
      return static_cast<std::int64_t>(value);
    }
    default:
      return std::nullopt;
  }
}

std::optional<double> GgufValue::as_number() const {
  if (type_ == GgufType::f32) return load<float>(data_);
  if (type_ == GgufType::f64) return load<double>(data_);
  if (type_ == GgufType::u64) return static_cast<double>(load<std::uint64_t>(data_));
  if (const auto integer = as_integer()) return static_cast<double>(*integer);
  return std::nullopt;
}

std::optional<bool> GgufValue::as_bool() const {
  if (type_ != GgufType::boolean) return std::nullopt;
  return load<std::uint8_t>(data_) != 0;
}

std::optional<std::string_view> GgufValue::as_string() const {
  if (type_ != GgufType::string) return std::nullopt;
  return std::string_view(reinterpret_cast<const char*>(data_) + sizeof(std::uint64_t),
                          static_cast<std::size_t>(load<std::uint64_t>(data_)));
}

std::optional<std::uint64_t> GgufValue::array_size() const {
  if (type_ != GgufType::array) return std::nullopt;
  return load<std::uint64_t>(data_ + sizeof(std::uint32_t));
}

std::optional<GgufValue> GgufFile::value(std::string_view key) const {
  const auto at = std::lower_bound(metadata_.begin(), metadata_.end(), key,
                                   [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  if (at == metadata_.end() || at->first != key) return std::nullopt;
  return at->second;
}

void GgufFile::read(std::span<const std::byte> bytes) {
  Cursor cursor(path(), bytes);
  const std::byte* const magic = cursor.here();
  cursor.skip(kMagic.size(), 1, "the magic number");
  if (std::memcmp(magic, kMagic.data(), kMagic.size()) != 0)
    cursor.refuse(0, "does not begin with \"GGUF\"", "This is not a GGUF file.");
  const std::size_t version_at = cursor.at();
  check_version(cursor, version_at, cursor.take<std::uint32_t>("the version"));
  const std::uint64_t tensors = cursor.count("the number of tensors", kLeastTensorBytes, bytes.size());
  const std::uint64_t values = cursor.count("the number of metadata values", kLeastMetadataBytes, bytes.size());

  for (std::uint64_t i = 0; i < values; ++i) {
    const std::string_view key = cursor.string("a key", kMostKeyBytes);
    const std::string what = json_quote(key);
    const GgufType type = cursor.type(what);
    metadata_.emplace_back(key, GgufValue(type, cursor.here()));
    cursor.skip_value(type, what, 0);
  }
  std::sort(metadata_.begin(), metadata_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  for (std::size_t i = 1; i < metadata_.size(); ++i) {
    if (metadata_[i].first == metadata_[i - 1].first)
      refuse_file(path(), "has two values for the key " + json_quote(metadata_[i].first));
  }

  std::vector<Description> descriptions;
  for (std::uint64_t i = 0; i < tensors; ++i) descriptions.push_back(read_description(cursor));

  std::size_t alignment = kDefaultAlignment;
  if (const auto given = value(kAlignmentKey)) {
    const auto number = given->as_integer();
    // Up to 32 bits, as the format has it: sums with an offset in a file cannot overflow then.
    if (!number || *number < 1 || *number > std::int64_t{1} << 31 ||
        !std::has_single_bit(static_cast<std::uint64_t>(*number)))
      refuse_file(path(), std::string(kAlignmentKey) + " is " +
                              (number ? std::to_string(*number) : std::string(given->kind_name())) +
                              ", but must be a power of two");
    alignment = static_cast<std::size_t>(*number);
  }
  // A file without tensors' bytes may end before the padding that would come before them.
  const std::size_t data_begin = std::min(bytes.size(), (cursor.at() + alignment - 1) / alignment * alignment);
  const std::span<const std::byte> data = bytes.subspan(data_begin);
  std::vector<TensorEntry> entries;
  for (const Description& tensor : descriptions) entries.push_back(placed(cursor, tensor, data, alignment));
  index(std::move(entries), data.size(), alignment);
}

std::unique_ptr<GgufFile> open_gguf(const std::string& path) {
  return std::unique_ptr<GgufFile>(new GgufFile(base::MappedFile(path)));
}

std::unique_ptr<GgufFile> parse_gguf(std::span<const std::byte> bytes, const std::string& label) {
  return std::unique_ptr<GgufFile>(new GgufFile(label, bytes));
}

}  // namespace faultline::format

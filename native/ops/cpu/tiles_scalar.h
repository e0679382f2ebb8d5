// The eight tiles of AMX and its products of bfloat16 and of bytes written out in plain C++: the specification of
// tiles_amx.h, to the bit but for NaN payloads. Include after vec_scalar.h; needs a base::FpEnv, which flushes
// denormals as the instruction does.
#pragma once

namespace faultline::ops::scalar {
namespace {

/// Eight tiles of 16 rows of 64 bytes. An object holds the thread's tiles configured as long as it lives; there is one
/// at a time.
class Tiles {
 public:
  template <int kTile>
  void zero() {
    __builtin_memset(tiles_[kTile], 0, sizeof tiles_[kTile]);
  }
  /// 16 rows of 64 bytes, `stride` bytes apart.
  template <int kTile>
  void load(const void* p, int64_t stride) {
    for (int row = 0; row < 16; ++row) __builtin_memcpy(tiles_[kTile][row], (const char*)p + row * stride, 64);
  }
  template <int kTile>
  void store(void* p, int64_t stride) const {
    for (int row = 0; row < 16; ++row) __builtin_memcpy((char*)p + row * stride, tiles_[kTile][row], 64);
  }
  /// TDPBF16PS: tile C holds floats [16][16], A bfloat16 [16][16][2] (row, pair of k), B bfloat16 [16][16][2] (pair of
  /// k, column). Per element: a chain of the even and one of the odd values of k, from zero; their sum is added to C.
  template <int kC, int kA, int kB>
  void dot() {
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 16; ++column) {
        float even = 0, odd = 0;
        for (int pair = 0; pair < 16; ++pair) {
          const uint32_t a = tiles_[kA][row][pair], b = tiles_[kB][pair][column];
          even = __builtin_fmaf(half(a << 16), half(b << 16), even);
          odd = __builtin_fmaf(half(a & 0xFFFF0000u), half(b & 0xFFFF0000u), odd);
        }
        const float sum = half(tiles_[kC][row][column]) + (even + odd);
        __builtin_memcpy(&tiles_[kC][row][column], &sum, sizeof sum);
      }
    }
  }
  /// TDPBSSD: tile C holds integers [16][16], A signed bytes [16][16][4] (row, four of k), B [16][16][4] (four of k,
  /// column). Sums are exact but for wrapping around.
  template <int kC, int kA, int kB>
  void dot_bytes() {
    for (int row = 0; row < 16; ++row) {
      for (int column = 0; column < 16; ++column) {
        uint32_t sum = tiles_[kC][row][column];
        for (int quad = 0; quad < 16; ++quad) {
          const uint32_t a = tiles_[kA][row][quad], b = tiles_[kB][quad][column];
          for (int shift = 0; shift < 32; shift += 8) {
            sum += (uint32_t)((int8_t)(uint8_t)(a >> shift) * (int8_t)(uint8_t)(b >> shift));
          }
        }
        tiles_[kC][row][column] = sum;
      }
    }
  }

 private:
  /// Bits as the float they are; with zeros below, a bfloat16.
  static float half(uint32_t bits) {
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
  }
  alignas(64) uint32_t tiles_[8][16][16];
};

}  // namespace
}  // namespace faultline::ops::scalar

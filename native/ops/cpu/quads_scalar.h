// Sums of four products of bytes written out in plain C++: the specification of the other quads_<isa>.h. Include after
// vec_scalar.h.
#pragma once

namespace faultline::ops::scalar {
namespace {

/// Four values of each of 16 columns, or the same four 16 times.
struct B64 {
  int8_t lane[16][4];
};
inline B64 load_quads(const int8_t* p) {
  B64 r;
  __builtin_memcpy(&r, p, sizeof r);
  return r;
}
inline B64 repeat_quad(const int8_t* p) {
  B64 r;
  for (int i = 0; i < 16; ++i) __builtin_memcpy(r.lane[i], p, 4);
  return r;
}

/// A Dot, see gemm_quads.inl.
struct PlainDot {
  static constexpr int kRows = kTileRows, kPanels = kTilePanels;
  using Weights = B64;
  static B64 weights(const int8_t* p) { return load_quads(p); }
  static B64 broadcast(const int8_t* p) { return repeat_quad(p); }
  static I16 start(int32_t) { return iset1(0); }
  static I16 step(const B64& x, const B64& w, I16 acc) {
    for (int i = 0; i < 16; ++i) {
      int32_t sum = 0;
      for (int j = 0; j < 4; ++j) sum += x.lane[i][j] * w.lane[i][j];
      acc.lane[i] += (uint32_t)sum;
    }
    return acc;
  }
  static I16 total(I16 acc) { return acc; }
};

using Sums = I16;
inline Sums start_sums(uint32_t all) { return iset1(all); }
inline I16 total_of(Sums acc) { return acc; }

/// VPDPBUSD: 32-bit sums, without saturation, of four products of an unsigned and a signed byte.
inline Sums dot_unsigned(const B64& x, const B64& y, Sums acc) {
  for (int i = 0; i < 16; ++i) {
    int32_t sum = 0;
    for (int j = 0; j < 4; ++j) sum += (uint8_t)x.lane[i][j] * y.lane[i][j];
    acc.lane[i] += (uint32_t)sum;
  }
  return acc;
}
/// Every byte plus 128, as an unsigned one.
inline B64 offset_bytes(B64 x) {
  for (int i = 0; i < 16; ++i) {
    for (int j = 0; j < 4; ++j) x.lane[i][j] = (int8_t)(uint8_t)(x.lane[i][j] + 128);
  }
  return x;
}

}  // namespace
}  // namespace faultline::ops::scalar

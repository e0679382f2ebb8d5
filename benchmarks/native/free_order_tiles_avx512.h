// The register tiles that are tried with 32 registers, own chains and all: what free_order_avx512.cc and
// free_order_avx512bf16.cc have in common. Sums leave room for the weights of one step.
#pragma once

#define FAULTLINE_TILES(Product)                                                                          \
  {                                                                                                       \
    free_order<Product, 14, 2, 1>(), free_order<Product, 7, 4, 1>(), free_order<Product, 9, 3, 1>(),      \
        free_order<Product, 24, 1, 1>(), free_order<Product, 7, 2, 2>(), free_order<Product, 14, 1, 2>(), \
        free_order<Product, 3, 4, 2>(), free_order<Product, 7, 1, 4>(), free_order<Product, 3, 2, 4>(),   \
        free_order<Product, 3, 1, 8>(), {}                                                                \
  }

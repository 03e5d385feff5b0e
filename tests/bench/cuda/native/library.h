// The product with bias and relu by the toolkit's library, as fast as it finds it:
//   D[batch][n] = relu(A[batch][k] B[k][n] + bias[n])
// For the library, whose matrices are columns one after another, that is D' = B' A'.
#pragma once

#include <cublasLt.h>

#include <cstdint>
#include <string>
#include <vector>

namespace bench {

struct product_shape {
  int64_t batch, n, k;
};

class library_product {
public:
  // `math`: fp32, tf32 or bf16. With bf16 all matrices are bfloat16, sums are float.
  library_product(const product_shape &shape, const std::string &math, const void *a, const void *b, const void *bias, void *d)
      : a_(a), b_(b), d_(d) {
    const bool halves = math == "bf16";
    const cudaDataType_t type = halves ? CUDA_R_16BF : CUDA_R_32F;
    const cublasComputeType_t sums = math == "tf32" ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F;
    require(cublasLtCreate(&library_));
    require(cublasLtMatmulDescCreate(&product_, sums, CUDA_R_32F));
    const cublasLtEpilogue_t end = CUBLASLT_EPILOGUE_RELU_BIAS;
    require(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_EPILOGUE, &end, sizeof end));
    require(cublasLtMatmulDescSetAttribute(product_, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias));
    const auto rows = [](int64_t n) { return static_cast<uint64_t>(n); };
    require(cublasLtMatrixLayoutCreate(&b_layout_, type, rows(shape.n), rows(shape.k), shape.n));
    require(cublasLtMatrixLayoutCreate(&a_layout_, type, rows(shape.k), rows(shape.batch), shape.k));
    require(cublasLtMatrixLayoutCreate(&d_layout_, type, rows(shape.n), rows(shape.batch), shape.n));
    ok_ = ok_ && cudaMalloc(&workspace_, workspace_bytes) == cudaSuccess;
    if (ok_)
      find();
  }
  ~library_product() {
    cudaFree(workspace_);
    for (cublasLtMatrixLayout_t layout : {a_layout_, b_layout_, d_layout_})
      if (layout)
        cublasLtMatrixLayoutDestroy(layout);
    if (product_)
      cublasLtMatmulDescDestroy(product_);
    if (library_)
      cublasLtDestroy(library_);
  }
  library_product(const library_product &) = delete;
  library_product &operator=(const library_product &) = delete;

  bool ok() const { return ok_ && !found_.empty(); }
  size_t candidates() const { return found_.size(); }
  // One product, by the candidate with this number.
  bool run(cudaStream_t stream, size_t candidate) {
    const float one = 1, zero = 0;
    return cublasLtMatmul(library_, product_, &one, b_, b_layout_, a_, a_layout_, &zero, d_, d_layout_, d_, d_layout_,
                          &found_[candidate].algo, workspace_, workspace_bytes, stream) == CUBLAS_STATUS_SUCCESS;
  }

private:
  static constexpr size_t workspace_bytes = size_t{64} << 20;

  void require(cublasStatus_t status) { ok_ = ok_ && status == CUBLAS_STATUS_SUCCESS; }
  // What its heuristics propose; the caller times them and keeps the best.
  void find() {
    constexpr int most = 16;
    cublasLtMatmulPreference_t wanted = nullptr;
    require(cublasLtMatmulPreferenceCreate(&wanted));
    require(cublasLtMatmulPreferenceSetAttribute(wanted, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &workspace_bytes,
                                                 sizeof workspace_bytes));
    found_.resize(most);
    int count = 0;
    require(cublasLtMatmulAlgoGetHeuristic(library_, product_, b_layout_, a_layout_, d_layout_, d_layout_, wanted, most,
                                           found_.data(), &count));
    found_.resize(static_cast<size_t>(count));
    cublasLtMatmulPreferenceDestroy(wanted);
  }

  bool ok_ = true;
  const void *a_, *b_;
  void *d_, *workspace_ = nullptr;
  cublasLtHandle_t library_ = nullptr;
  cublasLtMatmulDesc_t product_ = nullptr;
  cublasLtMatrixLayout_t a_layout_ = nullptr, b_layout_ = nullptr, d_layout_ = nullptr;
  std::vector<cublasLtMatmulHeuristicResult_t> found_;
};

} // namespace bench

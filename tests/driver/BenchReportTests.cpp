// What `bench` makes of its figures: limits, data, table, picture.
#include "frontend/driver/BenchReport.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "WellFormed.h"

using namespace hornfels::driver;
using Json = nlohmann::json;

static KernelTime kernel(const std::string &name, double us, double flops, double bytes, double touched) {
  KernelTime result;
  result.name = name;
  result.layer = "dense";
  result.us = result.minUs = us;
  result.flops = flops;
  result.read = bytes;
  result.touched = touched;
  return result;
}

/// 100 GFLOP/s; 400, 200, 100 and 50 GB/s; caches of 10, 100 and 1000 bytes.
static BenchReport sampleReport() {
  BenchReport report;
  report.model = "tiny";
  report.cpu = "x86-64-v4";
  report.real = "f32";
  report.step = "train";
  report.batch = 8;
  report.machine = {"a \"processor\" <&>", 10, 100, 1000, {100e9, 50e9, 400e9, 200e9, 100e9, 50e9}, {}};
  report.machine.allThreads = {200e9, 100e9, 800e9, 400e9, 200e9, 60e9};
  report.fused.kernels = {kernel("dense_forward", 3, 100e3, 100, 10),
                          kernel("<update>", 1, 4e3, 100e3, 5000)};
  report.unfused.kernels = {kernel("dense_forward", 4, 100e3, 100, 10)};
  report.unfused.kernels.resize(40, kernel("optimizer_update", 0.001, 0, 8, 8));
  report.fused.step = {4.5, 4, 4.2, 5, {}};
  report.unfused.step = {9, 8, 8.5, 10, {}};
  report.ratio = 2;
  return report;
}

TEST(BenchReport, a_kernel_is_bound_by_what_takes_longer) {
  BenchReport report = sampleReport();
  struct {
    double flops, bytes, touched;
    const char *name;
    double us;
  } cases[] = {
      {1000e3, 100, 10, "FMA", 10}, {1, 400e3, 10, "L1", 1},       {1, 400e3, 11, "L2", 2},
      {1, 400e3, 101, "L3", 4},     {1, 400e3, 1001, "memory", 8},
  };
  for (const auto &c : cases) {
    Limit limit = limitOf(kernel("k", 1, c.flops, c.bytes, c.touched), report);
    EXPECT_EQ(limit.name, c.name);
    EXPECT_DOUBLE_EQ(limit.us, c.us);
  }
  // Products of matrices on a device have a peak of their own, where one was measured; half of its cache counts.
  report.machine.l2Bytes = 400;
  report.math = "tf32";
  KernelTime product = kernel("k", 1, 1000e3, 100, 10);
  EXPECT_EQ(limitOf(product, report).name, "FMA");
  product.products = true;
  EXPECT_EQ(limitOf(product, report).name, "FMA");
  report.machine.oneThread.tf32 = 1000e9;
  EXPECT_EQ(limitOf(product, report).name, "tensor");
  EXPECT_DOUBLE_EQ(limitOf(product, report).us, 1);
  EXPECT_EQ(limitOf(kernel("k", 1, 1, 400e3, 200), report).name, "L2");
  EXPECT_EQ(limitOf(kernel("k", 1, 1, 400e3, 201), report).name, "memory");
  report = sampleReport();
  // f64 has its own peak; several threads have theirs, and their L1 and L2 together.
  report.real = "f64";
  EXPECT_DOUBLE_EQ(limitOf(kernel("k", 1, 1000e3, 100, 10), report).us, 20);
  report.threads = 2;
  EXPECT_DOUBLE_EQ(limitOf(kernel("k", 1, 1000e3, 100, 10), report).us, 10);
  EXPECT_EQ(limitOf(kernel("k", 1, 1, 400e3, 20), report).name, "L1");
  EXPECT_DOUBLE_EQ(limitOf(kernel("k", 1, 1, 400e3, 20), report).us, 0.5);
}

TEST(BenchReport, median_of_even_and_odd_counts) {
  EXPECT_EQ(median({3, 1, 2}), 2);
  EXPECT_EQ(median({4, 1, 2, 3}), 2.5);
  EXPECT_EQ(median({}), 0);
}

TEST(BenchReport, data_hold_every_kernel) {
  Json json = Json::parse(benchJson(sampleReport()));
  EXPECT_EQ(json["machine"]["processor"], "a \"processor\" <&>");
  EXPECT_EQ(json["machine"]["one_thread"]["l2_gb_s"], 200);
  EXPECT_TRUE(json["data"].is_null());
  ASSERT_EQ(json["fused"]["kernels"].size(), 2u);
  ASSERT_EQ(json["unfused"]["kernels"].size(), 40u);
  const Json &forward = json["fused"]["kernels"][0];
  EXPECT_EQ(forward["limit"], "FMA");
  EXPECT_NEAR(forward["share"].get<double>(), 0.75, 1e-6);
  EXPECT_NEAR(forward["gflops"].get<double>(), 33.3333, 1e-4);
  EXPECT_NEAR(forward["share_of_limit"].get<double>(), 0.333333, 1e-6);
  const Json &tiny = json["unfused"]["kernels"][20];
  EXPECT_TRUE(tiny["gflops"].is_null()) << "shorter than the clock can see";
  EXPECT_EQ(json["ratio"], 2);
}

TEST(BenchReport, the_table_has_one_width_and_gathers_what_is_small) {
  std::string text = renderBench(sampleReport());
  EXPECT_NE(text.find("│ dense_forward "), std::string::npos);
  EXPECT_NE(text.find("39 below 0.2 %"), std::string::npos) << text;
  EXPECT_NE(text.find("2.00 x"), std::string::npos);
  EXPECT_EQ(text.find("inf"), std::string::npos);
  EXPECT_EQ(text.find("nan"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto characters =
        std::count_if(line.begin(), line.end(), [](unsigned char c) { return (c & 0xC0) != 0x80; });
    bool isTable = line.rfind("│", 0) == 0 || line.rfind("┏", 0) == 0 || line.rfind("└", 0) == 0;
    EXPECT_TRUE(isTable ? characters == 98 : characters <= 100) << characters << ": " << line;
  }
}

TEST(BenchReport, the_picture_is_well_formed) {
  std::string svg = benchSvg(sampleReport());
  EXPECT_EQ(driver_tests::xmlError(svg), "");
  EXPECT_NE(svg.find(">&lt;update&gt;<"), std::string::npos) << "a name is text, whatever it holds";
  EXPECT_NE(svg.find(">f32 FMA 100 GFLOP/s<"), std::string::npos);
  EXPECT_NE(svg.find("<circle"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
  EXPECT_EQ(svg.find("inf"), std::string::npos);
}

/// Nothing to draw a dot for, nothing to sum: a model that does almost nothing.
TEST(BenchReport, an_empty_step_is_shown_too) {
  BenchReport report = sampleReport();
  report.fused.kernels = report.unfused.kernels = {kernel("copy", 0, 0, 0, 0)};
  EXPECT_EQ(driver_tests::xmlError(benchSvg(report)), "");
  for (const std::string &text : {benchSvg(report), renderBench(report), benchJson(report)}) {
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    EXPECT_EQ(text.find("inf"), std::string::npos) << text;
  }
}

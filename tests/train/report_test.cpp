// The log and the page made from it.
#include "train/report.h"

#include <gtest/gtest.h>

#include "support.h"
#include "train/chart.h"
#include "train/log.h"

namespace pewter {
namespace {

using test::read_text;
using test::TempFolder;
using test::write_text;

io::Json step_line(int64_t step, double loss) {
  return {{"step", step},
          {"loss", loss},
          {"learning_rate", 1e-3},
          {"tokens", step * 100},
          {"tokens_per_second", 250.0},
          {"seconds", 1.5}};
}

TEST(Log, IsCutBackToAStep) {
  TempFolder folder;
  const std::string path = folder / "log.jsonl";
  {
    Log log(path, -1);
    for (int64_t step = 1; step <= 5; ++step) log.write(step_line(step, 1));
  }
  write_text(path, read_text(path) + "{\"step\":6,\"lo");  // killed while writing
  {
    Log log(path, 3);
    log.write(step_line(4, 2));
  }
  const auto lines = read_log(path);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[2]["step"], 3);
  EXPECT_EQ(lines[3]["loss"], 2);
}

TEST(Log, BeginsAnew) {
  TempFolder folder;
  {
    Log log(folder / "log.jsonl", -1);
    log.write(step_line(1, 1));
  }
  { Log log(folder / "log.jsonl", -1); }
  EXPECT_EQ(read_text(folder / "log.jsonl"), "");
  EXPECT_TRUE(read_log(folder / "absent").empty());
}

TEST(Report, HoldsWhatTheLogSays) {
  const std::string html = report_html(
      {{{"step", 0}, {"settings", {{"model", "a<b>.gguf"}, {"rank", 16}, {"data", "d.jsonl"}}}},
       {{"step", 0}, {"samples", {{{"prompt", "p & q"}, {"expected", "yes"}, {"answer", "no"}}}}},
       step_line(1, 2.5),
       step_line(2, 1.5),
       {{"step", 2}, {"eval_loss", 1.25}, {"exact_match", 0.5}},
       {{"step", 2},
        {"samples", {{{"prompt", "p & q"}, {"expected", "yes"}, {"answer", "yes"}}}}}});
  for (const char* part : {"a&lt;b&gt;.gguf", "p &amp; q", "50.0 %", "1.2500", "✓", "✗", "<svg",
                           "loss (nats per token)", "prefers-color-scheme:dark"}) {
    EXPECT_NE(html.find(part), std::string::npos) << part;
  }
  for (const char* part : {"<script", "http", "a<b>", "nan", "src="}) {
    EXPECT_EQ(html.find(part), std::string::npos) << part;
  }
}

TEST(Report, StandsOddLogs) {
  EXPECT_NE(report_html({}).find("</html>"), std::string::npos);
  const std::string html = report_html({{{"step", 1}, {"loss", nullptr}},
                                        {{"step", 1}, {"loss", "x"}},
                                        {{"step", 0}, {"samples", {1, 2}}},
                                        {{"step", 0}, {"settings", 4}},
                                        step_line(1, 0)});
  EXPECT_NE(html.find("</html>"), std::string::npos);
}

TEST(Chart, TicksAreRound) {
  EXPECT_EQ(round_ticks(0, 10, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(round_ticks(1, 180, 8).front(), 50);
  EXPECT_EQ(decade_ticks(0.04, 3), (std::vector<double>{0.05, 0.1, 0.2, 0.5, 1, 2}));
  EXPECT_EQ(decade_ticks(1e-4, 10).size(), 6u);
  EXPECT_EQ(tick_text(0.002), "0.002");
  EXPECT_EQ(tick_text(64800), "64,800");
  EXPECT_EQ(tick_text(-1234567), "-1,234,567");
  EXPECT_EQ(tick_text(5e-5), "5e-05");
}

TEST(Chart, LongSeriesStaySmallAndKeepTheirPeaks) {
  Chart chart{"t", "x", "y", {{"", "main", {}}}, true};
  for (int i = 0; i < 100000; ++i) chart.series[0].points.emplace_back(i, i == 54321 ? 100 : 1);
  const std::string svg = to_svg(chart);
  EXPECT_LT(svg.size(), 40000u);
  // y of the peak: 100 of an axis that ends 5 % above it.
  const double y = (chart.height - 40) - (chart.height - 50) / 1.05;
  EXPECT_NE(svg.find(fmt::format(" {:.1f}", y)), std::string::npos);
}

}  // namespace
}  // namespace pewter

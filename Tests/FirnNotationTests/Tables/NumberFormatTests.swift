import FirnNotation
import Testing

@Suite struct NumberFormatTests {
  @Test(arguments: [
    (0, "0"), (999, "999"), (12345, "12,345"), (-1_000_000, "-1,000,000"),
    (Int.min, "-9,223,372,036,854,775,808"),
  ])
  func counts(_ value: Int, _ text: String) {
    #expect(NumberFormat.count(value) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_572_864, "1.5 MiB"), (1_048_575, "1.0 MiB"),
    (-2048, "-2.0 KiB"),
    (Int.max, "8.0 EiB"),
  ])
  func bytes(_ value: Int, _ text: String) {
    #expect(NumberFormat.bytes(value) == text)
  }

  @Test func flops() {
    #expect(NumberFormat.flops(310) == "310 FLOP")
    #expect(NumberFormat.flops(3_200_000) == "3.2 MFLOP")
    #expect(NumberFormat.flops(999_960) == "1.0 MFLOP")
    #expect(NumberFormat.flops(2.5) == "2.5 FLOP")
    #expect(NumberFormat.flops(.infinity) == "inf FLOP")
  }

  @Test(arguments: [
    (0.0, "0.0%"), (0.1234, "12.3%"), (1.0, "100.0%"), (0.9999, ">99.9%"), (0.0001, "<0.1%"),
    (-0.5, "-50.0%"),
    (2.5, "250.0%"), (Double.nan, "nan%"),
  ])
  func percentages(_ value: Double, _ text: String) {
    #expect(NumberFormat.percent(value) == text)
  }

  @Test func durations() {
    #expect(NumberFormat.duration(.microseconds(340)) == "340 µs")
    #expect(NumberFormat.duration(.microseconds(12_500)) == "12.5 ms")
    #expect(NumberFormat.duration(.milliseconds(2340)) == "2.3 s")
    #expect(NumberFormat.duration(.milliseconds(59_960)) == "1:00")
    #expect(NumberFormat.duration(.seconds(3729)) == "1:02:09")
    #expect(NumberFormat.clock(.milliseconds(5600)) == "0:06")
  }

  @Test func fixedDigits() {
    #expect(NumberFormat.fixed(0.05, digits: 1) == "0.1")
    #expect(NumberFormat.fixed(-0.004, digits: 2) == "0.00")
    #expect(NumberFormat.fixed(1.999, digits: 0) == "2")
    #expect(NumberFormat.fixed(1e300, digits: 2) == "1e+300")
    // 0/0 has one sign on one processor, what comes out of a file another.
    for none in [Double.nan, -Double.nan] {
      #expect(NumberFormat.fixed(none, digits: 4) == "nan" && NumberFormat.short(none) == "nan")
      #expect(NumberFormat.percent(none) == "nan%" && NumberFormat.flops(none) == "nan FLOP")
    }
  }
}

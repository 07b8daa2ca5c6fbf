import Testing

@testable import FirnCharts

@Suite struct ChartAxisTests {
  @Test func linearTicksAreRoundAndExact() {
    let axis = ChartAxis(linear: [0.02, 0.98], tickCount: 6, snaps: true)
    #expect(axis.ticks.map(\.label) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"])
    #expect(axis.ticks.map(\.value) == [0, 0.2, 0.4, 0.6, 0.8, 1])
    #expect(axis.fraction(of: 0.5) == 0.5)
  }

  @Test func wholeNumbersHaveNoTicksBetween() {
    let axis = ChartAxis(linear: [0, 1, 2], tickCount: 7, snaps: false)
    #expect(axis.ticks.map(\.label) == ["0", "1", "2"])
  }

  @Test func labelsSuitTheSizeOfTheNumbers() {
    #expect(
      ChartAxis(linear: [0, 100_000], tickCount: 5, snaps: true).ticks.map(\.label) == [
        "0", "20,000", "40,000", "60,000", "80,000", "100,000",
      ])
    #expect(
      ChartAxis(linear: [-4e-9, 4e-9], tickCount: 4, snaps: true).ticks.map(\.label) == [
        "−4×10⁻⁹", "−2×10⁻⁹", "0", "2×10⁻⁹", "4×10⁻⁹",
      ])
  }

  @Test func anAxisHoldsItsValues() {
    let ranges: [[Double]] = [
      [0, 1], [-3, 17], [1e-8, 3e-8], [1e12, 1e12 + 3], [7, 7], [-1.7e308, 1.7e308],
      [0, .leastNonzeroMagnitude],
    ]
    for values in ranges {
      let axis = ChartAxis(linear: values, tickCount: 6, snaps: true)
      #expect(values.allSatisfy { (0...1).contains(axis.fraction(of: $0)) }, "\(values)")
      #expect((2...16).contains(axis.ticks.count), "\(values)")
      #expect(Set(axis.ticks.map(\.label)).count == axis.ticks.count, "\(values)")
    }
  }

  @Test func logarithmicTicksArePowersOfTen() {
    let axis = ChartAxis(logarithmic: [0.002, 30], tickCount: 7)
    #expect(axis.ticks.map(\.label) == ["0.001", "0.01", "0.1", "1", "10", "100"])
    let middle = axis.fraction(of: 0.316_227_766)
    #expect((middle - 0.5).magnitude < 1e-6)
  }

  @Test func narrowLogarithmicAxesHaveTicksBetween() {
    #expect(
      ChartAxis(logarithmic: [0.3, 9], tickCount: 7).ticks.map(\.label) == [
        "0.2", "0.5", "1", "2", "5", "10",
      ])
    #expect(
      ChartAxis(logarithmic: [1, 2], tickCount: 5).ticks.map(\.label) == [
        "1.0", "1.2", "1.4", "1.6", "1.8", "2.0",
      ])
  }

  @Test(arguments: [
    [.leastNonzeroMagnitude, 1e300], [1e-5, 1e-5], [3, 1e20], [1, 1e9], [1e-291], [1e-300, 2e-300],
    [.leastNonzeroMagnitude], [.leastNonzeroMagnitude, 1e-291],
  ])
  func aLogarithmicAxisHoldsItsValues(_ values: [Double]) {
    let axis = ChartAxis(logarithmic: values, tickCount: 7)
    #expect(values.allSatisfy { (0...1).contains(axis.fraction(of: $0)) })
    #expect((2...16).contains(axis.ticks.count))
  }
}

import Testing

@testable import FirnCharts

@Suite struct DecimalNumberTests {
  @Test(arguments: [
    (12, 0, "12", "1.2×10¹"), (12, -1, "1.2", "1.2×10⁰"), (5, -3, "0.005", "5×10⁻³"),
    (-7, 4, "−70,000", "−7×10⁴"),
    (1000, 0, "1000", "10³"), (1_234_567, -1, "123,456.7", "1.234567×10⁵"), (0, 3, "0", "0"),
    (0, -1, "0.0", "0"),
  ])
  func textForms(digits: Int, exponent: Int, plain: String, scientific: String) {
    let number = DecimalNumber(digits: digits, exponent: exponent)
    #expect(number.plainText == plain)
    #expect(number.scientificText == scientific)
  }

  @Test func decades() {
    for exponent in -323...308 {
      let power = DecimalNumber(digits: 1, exponent: exponent).value
      #expect(DecimalNumber.decade(of: power) == exponent)
      #expect(DecimalNumber.decade(of: power.nextUp) == exponent)
    }
    #expect(DecimalNumber.decade(of: 0.999) == -1)
  }

  @Test func rounding() {
    #expect(DecimalNumber(rounding: 1234.56, significantDigits: 3).value == 1230)
    #expect(
      DecimalNumber(rounding: -0.000_123_46, significantDigits: 4)
        == DecimalNumber(digits: -1235, exponent: -7))
    #expect(DecimalNumber(rounding: 0, significantDigits: 4).text == "0")
    #expect(DecimalNumber(rounding: 2.5, significantDigits: 4).text == "2.5")
  }
}

import Testing

@testable import FirnCharts

@Suite struct CurveTableTests {
  @Test func numbersReadBackExactly() throws {
    let values: [Double?] = [
      0.1, 1 / 3, -0.0, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1e16, 123_456_789, .infinity,
      -.infinity, nil, .nan, 1,
    ]
    let records = try Self.records(CurveTable(columns: [.init("x", values), .init("y", [2])]).csv())
    #expect(records.count == values.count + 1)
    for (value, record) in zip(values, records.dropFirst()) {
      guard let value else {
        #expect(record[0].isEmpty)
        continue
      }
      let read = try #require(Double(record[0]))
      #expect(value.isNaN ? read.isNaN : read.bitPattern == value.bitPattern)
    }
  }

  @Test func missingValuesAreEmpty() {
    let table = CurveTable(columns: [.init("step", [1, 2, 3]), .init("loss", [nil, 0.5])])
    #expect(table.rowCount == 3)
    #expect(table.csv() == "step,loss\n1,\n2,0.5\n3,\n")
  }

  @Test func namesAreQuotedWhereTheyMustBe() throws {
    let names = ["plain", "a,b", "say \"hi\"", "two\nlines", "two\r\nlines", " padded ", "\"\u{301}", ""]
    let csv = CurveTable(columns: names.map { .init($0, []) }).csv()
    #expect(csv.hasPrefix("plain,\"a,b\",\"say \"\"hi\"\"\","))
    let read = try #require(try Self.records(csv).first)
    #expect(read == names)
  }

  @Test func aRowIsNeverAnEmptyLine() {
    #expect(CurveTable(columns: [.init("x", [1, nil, 2])]).csv() == "x\n1\n\"\"\n2\n")
    #expect(CurveTable().csv().isEmpty)
  }

  /// The records of a CSV text, by the grammar of RFC 4180.
  private static func records(_ text: String) throws -> [[String]] {
    var records: [[String]] = []
    var record: [String] = []
    var field = String.UnicodeScalarView()
    var isQuoted = false
    var isAfterQuote = false
    for scalar in text.unicodeScalars {
      if isQuoted && !isAfterQuote {
        if scalar == "\"" { isAfterQuote = true } else { field.append(scalar) }
        continue
      }
      switch scalar {
      case "\"" where isAfterQuote:
        field.append(scalar)
        isAfterQuote = false
        continue
      case "\"":
        try #require(field.isEmpty)
        isQuoted = true
        continue
      case ",", "\n":
        record.append(String(field))
        field = String.UnicodeScalarView()
        if scalar == "\n" {
          records.append(record)
          record = []
        }
      default:
        try #require(!isAfterQuote)
        field.append(scalar)
        continue
      }
      (isQuoted, isAfterQuote) = (false, false)
    }
    try #require(!isQuoted && field.isEmpty && record.isEmpty)
    return records
  }
}

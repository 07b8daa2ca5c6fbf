import FirnFormats
import FirnGraph
import Foundation
import Testing

@testable import FirnCLI

@Suite struct DotCommandTests {
  private func arguments(_ line: String...) throws -> ParsedArguments {
    try Main.parser.parse(["dot"] + line)
  }

  private static let model = """
    firn 1

    variable encoder/kernel : f32[8,16] {kind = "parameter", role = "kernel", trainable = true, \
    initializer = ["constant", 1.0]}
    variable head/kernel : f32[16,4] {kind = "parameter", role = "kernel", trainable = true, \
    initializer = ["constant", 1.0]}

    %x = placeholder() {dtype = f32, shape = [batch,8]} : f32[batch,8]
    %encoder/kernel = read() {variable = "encoder/kernel", dtype = f32, shape = [8,16]} : f32[8,16]
    %encoder/matmul = matmul(%x, %encoder/kernel) {transpose_left = false, transpose_right = false} : f32[batch,16]
    %head/kernel = read() {variable = "head/kernel", dtype = f32, shape = [16,4]} : f32[16,4]
    %head/matmul = matmul(%encoder/matmul, %head/kernel) {transpose_left = false, transpose_right = false} \
    : f32[batch,4]
    %loss = reduce_sum(%head/matmul) {axes = [0,1], keeps_axes = false} : f32[]

    """

  private func withFiles(_ body: (_ model: String, _ drawing: String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("firn-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let model = directory.appendingPathComponent("model.firn").path
    try Self.model.write(toFile: model, atomically: true, encoding: .utf8)
    try body(model, directory.appendingPathComponent("model.dot").path)
  }

  @Test func drawsWhatAFreezeRemoves() throws {
    try withFiles { model, drawing in
      try DotCommand.run(arguments(model, "--freeze", "encoder", "--loss", "loss", "--out", drawing))
      let text = try String(contentsOfFile: drawing, encoding: .utf8)
      #expect(text.contains("no gradient"))
      #expect(text.contains("frozen"))
      try DotCommand.run(arguments(model, "--loss", "loss", "--out", drawing))
      #expect(try !String(contentsOfFile: drawing, encoding: .utf8).contains("no gradient"))
    }
  }

  @Test func collapsesScopes() throws {
    try withFiles { model, drawing in
      try DotCommand.run(arguments(model, "--depth", "0", "--out", drawing))
      #expect(try String(contentsOfFile: drawing, encoding: .utf8).contains("scope:encoder"))
    }
  }

  @Test func faultsNameTheWayOut() throws {
    try withFiles { model, _ in
      let typo = #expect(throws: FirnError.self) {
        try DotCommand.run(arguments(model, "--freeze", "encodr"))
      }
      #expect(typo?.code == .invalidSelection)
      #expect(typo?.remedy?.contains("encoder") == true)
      let loss = #expect(throws: FirnError.self) { try DotCommand.run(arguments(model, "--loss", "los")) }
      #expect(loss?.remedy?.contains("loss") == true)
    }
    let missing = #expect(throws: FirnError.self) { try DotCommand.run(arguments("no-such-file.firn")) }
    #expect(missing?.code == .file)
  }
}

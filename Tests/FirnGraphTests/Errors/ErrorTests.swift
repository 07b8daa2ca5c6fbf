import FirnGraph
import Testing

@Suite struct ErrorTests {
  @Test func nearestNamesComeInOrderOfDistance() {
    let names = ["encoder/kernel", "encoder/bias", "decoder/kernel", "head"]
    #expect(NearestNames(to: "kernle", among: names).names.first == "encoder/kernel")
    #expect(NearestNames(to: "encoder/kernal", among: names).names.first == "encoder/kernel")
    #expect(NearestNames(to: "hed", among: names).question == "did you mean head?")
    #expect(NearestNames(to: "xyzzyxyzzy", among: names).question == nil)
    #expect(NearestNames(to: "a", among: ["b", "c", "d", "e"], limit: 2).question == "did you mean b or c?")
    #expect(NearestNames(to: "x", among: []).names.isEmpty)
    #expect(NearestNames(to: String(repeating: "x", count: 1 << 20), among: names).names.isEmpty)
  }

  @Test func errorsPrintAsATree() {
    let cause = FirnError(.parse, "inner", excerpt: "ab\n ^")
    let error = FirnError(
      .shapeMismatch, "outer", remedy: "do this", constraint: "C2", place: "a/b",
      location: CallSite(file: "main.swift", line: 3),
      operands: [.init(label: "left", name: "x", type: TensorType(.f32, [2]))], causes: [cause])
    #expect(
      error.description == """
        error[shape-mismatch]: outer
          at a/b (main.swift:3)
          left: x f32[2]
          constraint: C2
          remedy: do this
          error[parse]: inner
              ab
               ^
        """)
  }

  @Test func pathsMatchWholeComponents() {
    #expect(Path.isWithin("encoder/a", "encoder"))
    #expect(!Path.isWithin("encoder2/a", "encoder"))
    #expect(Path.isWithin("anything", ""))
    #expect(Path.ancestors(of: "a/b/c") == ["a/b", "a"])
    #expect(Path.isDirectly("a/b/c", in: "a/b") && Path.isDirectly("a", in: ""))
    #expect(!Path.isDirectly("a/b/c", in: "a") && !Path.isDirectly("a/b", in: "a/b"))
    #expect(!Path.isDirectly("a2/b", in: "a") && !Path.isDirectly("a/b", in: ""))
    #expect(Path.last(of: "a/b") == "b" && Path.parent(of: "a") == "")
  }
}

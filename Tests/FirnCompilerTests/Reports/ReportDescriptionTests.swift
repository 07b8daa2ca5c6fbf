import FirnGraph
import FirnNN
import FirnNotation
import FirnOps
import FirnTraining
import Testing

@testable import FirnCompiler

/// What reports print of one small model, and what of nothing.
@Suite struct ReportDescriptionTests {
  /// Two layers; the lines of the program are the positions of the nodes.
  private func explanation(
    freezing: Selection? = nil, stopping: Bool = false, hasLoss: Bool = true
  ) throws -> Explanation {
    let graph = Graph()
    let x = graph.placeholder("x", shape: ["batch", 3])
    let hidden = Dense(4, activation: .tanh, name: "encoder")(x)
    let loss = Dense(2, name: "head")(stopping ? stopGradient(hidden) : hidden).mean()
    try graph.validate()
    var definition = graph.definition
    for index in definition.nodes.indices {
      definition.nodes[index].location = CallSite(file: "App/Model.swift", line: index + 1)
    }
    return try Explanation(
      graph: definition, loss: hasLoss ? loss.value : nil, freezing: freezing, optimizer: Adam())
  }

  @Test func status() throws {
    let explanation = try explanation(freezing: "encoder")
    let status = explanation.status
    #expect(
      status.description == """
        scope    status   mode       parameters  trained
        -------  -------  ---------  ----------  -------
        encoder  frozen   inference          16        0
        head     trained  training           10       10

        variable        status   because                                 read in
        --------------  -------  --------------------------------------  -------
        encoder/kernel  frozen   it is frozen by `freezing: encoder`     encoder
        encoder/bias    frozen   it is frozen by `freezing: encoder`     encoder
        head/kernel     trained  it is a parameter that nothing freezes  head
        head/bias       trained  it is a parameter that nothing freezes  head
        """)
    #expect(explanation.description == status.description)
    #expect(
      status.variables[0].description == "encoder/kernel: frozen, it is frozen by `freezing: encoder`")
    #expect(status.scopes[0].description == "encoder: frozen, inference mode, 0 of 16 trained")
    #expect(try Explanation(graph: GraphDef(), loss: nil).status.description == "no variables")
  }

  /// The scope around all has no path to be called by.
  @Test func readersAtTheTop() throws {
    let graph = Graph()
    let table = graph.scope("table") { graph.variable("rows", shape: [3]) }
    let loss = graph.scope("head") { square(table) }.sum() + (table * 2).sum()
    let explanation = try Explanation(graph: graph.definition, loss: loss.value)
    #expect(explanation.status.variables[0].readers == ["head", ""])
    #expect(explanation.status.description.contains("head, the top scope"))
    #expect(try explanation.why("table/rows").description.contains("read in head, the top scope\n"))
  }

  @Test func costInTermsOfDimensions() throws {
    let report = try explanation(freezing: "encoder").cost()
    #expect(
      report.description == """
        scope          forward                backward                unfrozen    update  unfrozen
        -------  -------------  ----------------------  ----------------------  --------  --------
        (all)    52 FLOP*batch  18 FLOP*batch + 1 FLOP  74 FLOP*batch + 1 FLOP  138 FLOP  348 FLOP
        encoder  32 FLOP*batch                  0 FLOP           40 FLOP*batch    0 FLOP  210 FLOP
        head     18 FLOP*batch           18 FLOP*batch           34 FLOP*batch  138 FLOP  138 FLOP

        scope          kept    unfrozen  gradients  unfrozen  slots  unfrozen
        -------  ----------  ----------  ---------  --------  -----  --------
        (all)    16 B*batch  16 B*batch       40 B     104 B   88 B     224 B
        encoder  16 B*batch  16 B*batch        0 B      64 B    0 B     136 B
        head            0 B         0 B       40 B      40 B   88 B      88 B
        """)
    #expect(
      report.total.description == """
        cost of a step  nodes
        --------------  -----  ----------------------
        forward            13           52 FLOP*batch
        backward            7  18 FLOP*batch + 1 FLOP
        update             83                138 FLOP
        kept                               16 B*batch
        gradients                                40 B
        slots                                    88 B
        """)
    #expect(report.scopes[0].description == "encoder: 32 FLOP*batch forward, 16 B*batch kept")
  }

  @Test func costInNumbers() throws {
    #expect(
      try explanation().cost().bound(by: ["batch": 32]).description == """
        scope      forward   backward    update   kept  gradients  slots
        -------  ---------  ---------  --------  -----  ---------  -----
        (all)    1.7 kFLOP  2.4 kFLOP  348 FLOP  512 B      104 B  224 B
        encoder  1.0 kFLOP  1.3 kFLOP  210 FLOP  512 B       64 B  136 B
        head      576 FLOP  1.1 kFLOP  138 FLOP    0 B       40 B   88 B
        """)
    #expect(
      Cost().description == """
        cost of a step  nodes
        --------------  -----  ------
        forward             0  0 FLOP
        backward            0  0 FLOP
        update              0  0 FLOP
        kept                      0 B
        gradients                 0 B
        slots                     0 B
        """)
  }

  /// Numbers are never cut; where they are many, names are repeated.
  @Test func wideCostsAreSeveralTables() throws {
    let graph = Graph()
    let x = graph.placeholder("sequence", shape: ["batch", "time", 3])
    let loss = Dense(2, name: "head")(LSTM(4, name: "encoder")(x)).mean()
    let report = try Explanation(
      graph: graph.definition, loss: loss.value, freezing: "encoder", optimizer: Adam()
    ).cost()
    let text = report.description
    #expect(!text.contains("…"))
    let titles = text.split(separator: "\n").filter { $0.hasPrefix("scope ") }
    #expect(titles.count > 2)
    #expect(text.split(separator: "\n").filter { $0.hasPrefix("encoder ") }.count == titles.count)
  }

  @Test func pins() throws {
    let pins = try explanation().pins()
    #expect(
      pins.description == """
        freezing too    saves backward  kept  gradients  slots  what it alone keeps
        --------------  --------------  ----  ---------  -----  -------------------
        encoder/kernel   24 FLOP*batch   0 B       48 B  100 B
        encoder/bias      4 FLOP*batch   0 B       16 B   36 B
        head/kernel      16 FLOP*batch   0 B       32 B   68 B
        head/bias         2 FLOP*batch   0 B        8 B   20 B
        """)
    #expect(
      pins.bound(by: ["batch": 32])[0].description
        == "freezing encoder/kernel too saves 768 FLOP backward, 153 FLOP update, 48 B gradients, 100 B slots"
    )
    #expect(
      try explanation(freezing: "** & !head/bias").pins().description
        == "fewer than two variables are trained, so no other could be frozen")
    #expect(
      Pin(
        variable: "w", saved: Cost(), kept: [KeptValue(name: "scan:8", bytes: 2048)]
      ).description == "freezing w too saves nothing; it alone keeps scan:8 (2.0 KiB)")
  }

  @Test func lint() throws {
    let findings = try explanation(stopping: true).lint()
    #expect(
      findings.description == """
        F001 error: `encoder/kernel` is trainable, but every path is cut by stop_gradient `stop_gradient`
             at stop_gradient (App/Model.swift:8)
             remedy: move or remove the cut, or freeze the variable so that it is meant
             see Docs/Lint.md#f001-starved
        F001 error: `encoder/bias` is trainable, but every path is cut by stop_gradient `stop_gradient`
             at stop_gradient (App/Model.swift:8)
             remedy: move or remove the cut, or freeze the variable so that it is meant
             see Docs/Lint.md#f001-starved
        2 findings
        """)
    #expect(findings.description.hasPrefix(findings[0].description + "\n"))
    #expect(
      findings[0].debugDescription
        == "F001 error: `encoder/kernel` is trainable, but every path is cut by stop_gradient `stop_gradient`"
    )
    #expect(try explanation().lint().description == "nothing found")
    #expect(LintReport([findings[0]]).description.hasSuffix("\n1 finding"))
  }

  @Test func why() throws {
    #expect(
      try explanation(stopping: true).why("encoder/kernel").description == """
        encoder/kernel: cut off
          every path is cut by stop_gradient `stop_gradient`
          read in encoder

        every path for the gradient of the loss by `encoder/kernel` is cut:
        node           cut by         made at            inside
        -------------  -------------  -----------------  ------
        stop_gradient  stop_gradient  App/Model.swift:8
        """)
    #expect(
      try explanation(hasLoss: false).why("head/bias").description == """
        head/bias: not under the loss
          nothing is trained
          read in head
        """)
  }

  @Test func connections() throws {
    let path = try explanation().whyNot(of: "encoder/tanh", withRespectTo: "encoder/kernel")
    #expect(
      path.description == """
        the gradient passes along 4 nodes:
        node            op      made at
        --------------  ------  -----------------
        encoder/tanh    tanh    App/Model.swift:7
        encoder/add     add     App/Model.swift:6
        encoder/matmul  matmul  App/Model.swift:4
        encoder/kernel  read    App/Model.swift:2
        """)
    #expect(path.path[0].description == "encoder/tanh : tanh (App/Model.swift:7)")
    let cut = try explanation(stopping: true).whyNot(of: "head/matmul", withRespectTo: "x")
    #expect(
      cut.description == """
        every path for the gradient is cut:
        node           cut by         made at            inside
        -------------  -------------  -----------------  ------
        stop_gradient  stop_gradient  App/Model.swift:8
        """)
    #expect(cut.cuts[0].description == "stop_gradient at stop_gradient (App/Model.swift:8)")
    #expect(
      try explanation().whyNot(of: "encoder/tanh", withRespectTo: "head/kernel").description
        == "there is no path for the gradient")
  }

  @Test func differences() throws {
    let (frozen, whole) = (try explanation(freezing: "encoder"), try explanation())
    let difference = try Explanation.difference(frozen, whole)
    #expect(
      difference.bound(by: ["batch": 32]).description == """
        variable        before  after
        --------------  ------  -------
        encoder/kernel  frozen  trained
        encoder/bias    frozen  trained

        cost of a step     before      after     change
        --------------  ---------  ---------  ---------
        forward         1.7 kFLOP  1.7 kFLOP     0 FLOP
        backward         577 FLOP  2.4 kFLOP  1.8 kFLOP
        update           138 FLOP   348 FLOP   210 FLOP
        kept                512 B      512 B        0 B
        gradients            40 B      104 B       64 B
        slots                88 B      224 B      136 B
        """)
    #expect(difference.changes[0].description == "encoder/kernel: frozen, then trained")
    #expect(
      try Explanation.difference(whole, whole).description.hasPrefix(
        "no variable changes its status\n\ncost of a step "))
  }

  @Test func quantities() {
    let polynomial = Quantity("3000000*batch*time-2048*batch+7")
    #expect(polynomial.asFLOPs == "3.0 MFLOP*batch*time - 2.0 kFLOP*batch + 7 FLOP")
    #expect(polynomial.asBytes == "2.9 MiB*batch*time - 2.0 KiB*batch + 7 B")
    #expect(Quantity("-1*batch").asFLOPs == "-1 FLOP*batch")
    #expect(Quantity(0).asBytes == "0 B")
  }

  @Test func records() throws {
    let compiled = try Compiler.compile(explanation(freezing: "encoder").request)
    #expect(
      PassRecord(
        pass: "simplify", nodesBefore: 120, nodesAfter: 98, isChange: true, duration: .microseconds(1200)
      ).description == "simplify: 120 nodes, then 98, in 1.2 ms")
    let removed = try #require(compiled.context.prunings.first?.removed)
    #expect(removed.map(\.description).contains("encoder/matmul → encoder/kernel"))
  }
}

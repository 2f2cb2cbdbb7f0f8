"""The messages: `.proto` files and the code that protoc made of them (`python .ci/protos.py`).

Documents stay JSON. `wfstore.documents.shape` holds a document against these messages, and
`wfstore.documents.messages` converts where somebody asks for it.
"""

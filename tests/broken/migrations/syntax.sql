-- expect: syntax 2:32
CREATE TABLE syntaxes (id uuid,);
